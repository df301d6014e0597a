//! Single-flight: readers of one process who share a load, under the adoption rule. `flight.rs` of the runtime.

use crate::mutation::Mutation;
use crate::reader::Phase;
use crate::turn::Turn;
use crate::world::{READERS, Version};

impl Turn<'_> {
    pub fn follow(&mut self, reader: usize) {
        self.come(reader);
        let Some(leader) = self.flight(reader) else { return };
        let sealed = matches!(self.world.readers[leader].phase, Phase::Landing { .. });
        self.world.readers[reader].phase = Phase::Following { leader, sealed };
        self.tell(|| format!("reader {reader} joins reader {leader}"));
    }

    /// **The adoption rule.** A follower may have the result if it came before the load began. One that came later may
    /// have it if it joined before the fill was sent and the fill was accepted: then the lease stood from before the
    /// load until after it came. That says nothing about stamps: not with a tag, and only under its own epoch.
    fn may_adopt(&self, follower: usize, sealed: bool, leader: usize, accepted: bool) -> bool {
        let (this, lead) = (&self.world.readers[follower], &self.world.readers[leader]);
        if lead.early & (1 << follower) != 0 {
            return true;
        }
        let unsealed = !sealed || self.without(Mutation::AdoptAfterSeal);
        let untagged = !self.rules.setting.tagged || self.without(Mutation::AdoptTagged);
        let known = this.stamps.epoch.is_some() || !self.rules.setting.clearable;
        let same_epoch = known && this.stamps.epoch == lead.stamps.epoch || self.without(Mutation::AdoptCleared);
        let accepted = accepted || self.without(Mutation::BlindAdoption);
        accepted && unsealed && untagged && same_epoch
    }

    pub fn land(&mut self, leader: usize) {
        let (version, accepted) = match self.world.readers[leader].phase {
            Phase::Landing { version, accepted } => (version, accepted),
            Phase::Loading { lease: None, read: Some(version) } => (version, false),
            _ => return,
        };
        self.tell(|| format!("reader {leader} returns v{version}"));
        for follower in 0..READERS {
            if let Some(sealed) = self.follows(follower, leader) {
                if self.may_adopt(follower, sealed, leader, accepted) {
                    self.adopt(follower, version);
                } else {
                    self.look_again(follower);
                }
            }
        }
        self.take_off_the_map(leader);
        self.finish(leader, version);
    }

    fn adopt(&mut self, follower: usize, version: Version) {
        self.tell(|| format!("reader {follower} adopts it"));
        self.finish(follower, version);
    }

    /// Ends without a result for those who follow.
    pub fn abandon(&mut self, leader: usize) {
        if !self.without(Mutation::FollowersForgotten) {
            for follower in 0..READERS {
                if self.follows(follower, leader).is_some() {
                    self.look_again(follower);
                }
            }
        }
        self.take_off_the_map(leader);
    }

    /// Whether the one follows the other, and joined after the fill.
    fn follows(&self, follower: usize, leader: usize) -> Option<bool> {
        match self.world.readers[follower].phase {
            Phase::Following { leader: followed, sealed } if followed == leader => Some(sealed),
            _ => None,
        }
    }

    fn take_off_the_map(&mut self, leader: usize) {
        let process = self.process(leader);
        let flight = &mut self.world.processes[process].flight;
        if *flight == Some(leader) {
            *flight = None;
        }
    }
}
