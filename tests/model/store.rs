//! What the store does: each command atomically, on one key. The scripts of `store/redis/scripts.rs`, in other words.

use crate::mutation::Mutation;
use crate::name::{MISSING, Sort};
use crate::reader::Phase;
use crate::turn::Turn;
use crate::world::{Entry, FillId, Stamp, Stamps, Token, Value, Version};

impl Turn<'_> {
    /// `SET key L<token> NX GET PX lease`: what the key held before.
    pub fn acquire(&mut self, token: Token) -> Entry {
        let held = self.world.key;
        if held == Entry::Absent {
            let expires = !self.without(Mutation::ExpirySetSeparately);
            self.world.key = Entry::Lease { token, expires };
        }
        held
    }

    /// Sees whether the key holds this lease.
    fn leased(&self, token: Token) -> bool {
        matches!(self.world.key, Entry::Lease { token: held, .. } if held == token)
    }

    /// The value in place of the lease it was loaded under.
    pub fn fill(&mut self, token: Token, version: Version, stamps: Stamps) -> bool {
        let accepted = self.leased(token)
            || self.without(Mutation::UnconditionalFill)
            || self.without(Mutation::FillIfAbsent) && self.world.key == Entry::Absent;
        if accepted {
            self.world.key = Entry::Value(self.value(version, stamps));
        }
        accepted
    }

    /// Nothing, or the answer of the load that ended, in place of its lease.
    pub fn release(&mut self, token: Token, left: Entry) -> bool {
        let any = self.without(Mutation::ReleaseWithoutToken) && matches!(self.world.key, Entry::Lease { .. });
        let accepted = any || self.leased(token);
        if accepted {
            self.world.key = left;
        }
        accepted
    }

    /// `PEXPIRE`, if the key still holds the lease. There is no time here in which it could run out, so nothing changes.
    pub fn renew(&mut self, token: Token) {
        if self.without(Mutation::RenewalRecreates) && self.world.key == Entry::Absent {
            self.world.key = Entry::Lease { token, expires: true };
        }
        if let Entry::Lease { token: held, expires } = &mut self.world.key
            && *held == token
        {
            *expires = true;
        }
    }

    /// A refreshed value in place of the one that was found.
    pub fn refill(&mut self, fill: FillId, version: Version, stamps: Stamps) -> bool {
        let same = matches!(self.world.key, Entry::Value(value) if value.fill == fill);
        let accepted = same || self.without(Mutation::RefillWithoutCompare);
        if accepted {
            self.world.key = Entry::Value(self.value(version, stamps));
        }
        accepted
    }

    /// A lease in place of what was seen.
    pub fn take_over(&mut self, seen: Entry, token: Token) -> bool {
        let accepted = self.world.key == seen || self.without(Mutation::TakeOverWithoutCompare);
        if accepted {
            self.world.key = Entry::Lease { token, expires: true };
        }
        accepted
    }

    /// `SET key W<token> PX lease`, over whatever is there.
    pub fn write_begin(&mut self, writer: usize) {
        self.revoke();
        self.world.key = Entry::Marker(writer);
    }

    /// The value in place of the writer's marker. Without that nobody knows whose value is the newer one: nothing stays.
    pub fn write_end(&mut self, writer: usize, version: Version, stamps: Stamps) -> bool {
        let marked = self.world.key == Entry::Marker(writer) || self.without(Mutation::WriteEndWithoutCompare);
        if marked {
            self.world.key = Entry::Value(self.value(version, stamps));
        } else if !self.without(Mutation::MarkerKeptOnMismatch) {
            self.delete();
        }
        marked
    }

    /// `DEL key`.
    pub fn delete(&mut self) {
        self.revoke();
        self.world.key = Entry::Absent;
    }

    /// A lease that ends in one of the ways in which it may: whoever held it knows nothing of it, but is no longer its
    /// holder.
    pub fn revoke(&mut self) {
        let Entry::Lease { token: ended, .. } = self.world.key else { return };
        for reader in &mut self.world.readers {
            if matches!(reader.phase, Phase::Loading { lease: Some(token), .. } if token == ended) {
                reader.holder = false;
            }
        }
    }

    /// `SET tag <fresh> NX GET`.
    pub fn tag(&mut self) -> Stamp {
        if self.world.tag.is_none() {
            if self.without(Mutation::MissingTagMatches) {
                return MISSING;
            }
            let counted = self.without(Mutation::TagCounterRestarts);
            self.world.tag = Some(if counted { 0 } else { self.world.fresh(Sort::Stamp) });
        }
        self.world.tag.unwrap_or_default()
    }

    /// `SET epoch <fresh> NX GET`.
    pub fn epoch(&mut self) -> Stamp {
        let epoch = self.world.epoch.unwrap_or_else(|| self.world.fresh(Sort::Stamp));
        self.world.epoch = Some(epoch);
        epoch
    }

    /// Whether a value with these stamps is one of now, for somebody who knows those.
    pub fn of_now(&self, carried: Stamps, known: Stamps) -> bool {
        let tag = carried.tag == known.tag || known.tag == Some(MISSING);
        tag && carried.epoch == known.epoch
    }

    /// Whether this is a value that such a reader returns.
    pub fn fits(&self, known: Stamps) -> Option<Value> {
        match self.world.key {
            Entry::Value(value) if self.of_now(value.stamps, known) => Some(value),
            _ => None,
        }
    }
}
