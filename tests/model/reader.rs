//! Readers: from the call to the value. `lookup.rs` and `slot.rs` of the runtime, without their deadlines.

use crate::mutation::Mutation;
use crate::step::Step;
use crate::turn::Turn;
use crate::world::{Entry, FillId, READERS, Stamps, Token, Version};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reader {
    pub phase: Phase,
    /// The newest version whose invalidation was complete when this reader came.
    pub floor: Version,
    /// What a value must carry to be one of now, as far as this reader knows.
    pub stamps: Stamps,
    /// Whether the stamps were read for the look that comes next.
    pub asked: bool,
    /// Whether others of its process may wait for what it gets,
    pub leads: bool,
    /// and which of them came before it began to load, or to look: a bit for each.
    pub early: u8,
    /// Whether it loads under a lease that has not run out and was not revoked. Nobody in the protocol knows.
    pub holder: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Has not come yet.
    Idle,
    /// About to look, for the first time or again.
    Looking,
    /// Has seen something that it cannot return, and may take over.
    Seen(Entry),
    /// Waits for another reader of its process. `sealed`: joined it after it had sent its fill.
    Following { leader: usize, sealed: bool },
    /// Waits until the key no longer holds this lease.
    Waiting { lease: Token },
    /// Has, or has not yet, read the database.
    Loading { lease: Option<Token>, read: Option<Version> },
    /// Has its result, but the answer to the fill is still under way, and the followers know nothing yet.
    Landing { version: Version, accepted: bool },
    /// Has returned what it found, and loads what is to replace that.
    Refreshing { fill: FillId, read: Option<Version> },
    /// Has returned, or died.
    Done,
}

/// What a reader does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Joins the load of its process.
    Follow,
    /// Reads the stamps.
    Ask,
    /// The same, but its process hears of the epoch later.
    AskLate,
    /// Gets or acquires.
    Acquire,
    /// The same, but where another's lease is it loads without one.
    AcquireImpatiently,
    /// The same, but the answer does not come in time.
    AcquireLate,
    /// Finds a value and refreshes it.
    FindAndRefresh,
    /// Looks at what ended its waiting.
    Wake,
    TakeOver,
    Read,
    Renew,
    Fill,
    FillLate,
    /// Gives the lease back, for there is nothing to store.
    End,
    EndLate,
    /// Hears of its fill, returns, and lets the followers have the result.
    Land,
    /// Its caller goes away.
    Cancel,
    Refill,
    RefillLate,
}

impl Reader {
    pub const IDLE: Self = Self {
        phase: Phase::Idle,
        floor: 0,
        stamps: Stamps { tag: None, epoch: None },
        asked: false,
        leads: false,
        early: 0,
        holder: false,
    };

    /// Whether it has come, and not gone yet.
    pub fn waits(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Done | Phase::Refreshing { .. })
    }

    pub fn loads_under(&self, token: Token) -> bool {
        matches!(self.phase, Phase::Loading { lease: Some(held), .. } if held == token)
    }
}

impl Turn<'_> {
    /// What this reader can do now.
    pub fn acts(&self, reader: usize, steps: &mut Vec<Step>) {
        let before = steps.len();
        let mut can = |act| steps.push(Step::Reader(reader, act));
        let Reader { phase, stamps, leads, .. } = self.world.readers[reader];
        let unasked = self.rules.setting.stamped() && !self.knows(stamps);
        match phase {
            Phase::Idle | Phase::Looking => self.looks(reader, &mut can),
            Phase::Seen(_) if unasked => can(Act::Ask),
            Phase::Seen(_) => can(Act::TakeOver),
            Phase::Waiting { lease } => {
                if !matches!(self.world.key, Entry::Lease { token, .. } if token == lease) {
                    match self.adoptable(reader, lease) {
                        Some(_) => can(Act::Wake),
                        None => self.looks(reader, &mut can),
                    }
                }
            }
            Phase::Loading { lease, read: None } => {
                if lease.is_some() && unasked {
                    can(Act::Ask);
                }
                if lease.is_none() || !unasked || self.without(Mutation::TagVersionAfterLoad) {
                    can(Act::Read);
                }
                self.renews(lease, &mut can);
            }
            Phase::Loading { lease: Some(_), read: Some(_) } if unasked => can(Act::Ask),
            Phase::Loading { lease: lease @ Some(_), read: Some(_) } => {
                can(Act::Fill);
                if self.may_give_up() {
                    can(Act::FillLate);
                }
                if self.rules.setting.absences {
                    can(Act::End);
                    if self.may_give_up() {
                        can(Act::EndLate);
                    }
                }
                self.renews(lease, &mut can);
            }
            Phase::Loading { lease: None, read: Some(_) } | Phase::Landing { .. } => can(Act::Land),
            Phase::Refreshing { read: None, .. } => can(Act::Read),
            Phase::Refreshing { read: Some(_), .. } => {
                can(Act::Refill);
                if self.may_give_up() {
                    can(Act::RefillLate);
                }
            }
            Phase::Following { .. } | Phase::Done => {}
        }
        // What the promise that nobody is stuck takes for granted.
        let waits = matches!(phase, Phase::Following { .. } | Phase::Waiting { .. } | Phase::Done);
        assert!(waits || steps.len() > before, "reader {reader} cannot go on: {:?}", self.world);
        if self.world.deaths > 0 && leads {
            steps.push(Step::Reader(reader, Act::Cancel));
        }
    }

    /// What can be done next by somebody who is about to look.
    fn looks(&self, reader: usize, can: &mut impl FnMut(Act)) {
        let Reader { asked, leads, .. } = self.world.readers[reader];
        let setting = &self.rules.setting;
        let other = self.flight(reader).is_some_and(|leader| leader != reader);
        if other && !leads {
            can(Act::Follow);
        }
        if setting.stamped() && !asked {
            can(Act::Ask);
            let process = &self.world.processes[self.process(reader)];
            if setting.clearable && self.world.timeouts > 0 && process.view.is_none() && process.asked.is_none() {
                can(Act::AskLate);
            }
            // The stamps' keys may be on another server than the value, and be read after it.
            let useful = matches!(self.world.key, Entry::Absent | Entry::Value(_));
            if setting.clearable || !useful {
                return;
            }
        }
        // A call may have looked for others of its process before there were any: so it may come here in spite of them.
        match self.world.key {
            Entry::Lease { .. } if other && !leads => {}
            Entry::Lease { .. } => {
                can(Act::Acquire);
                if setting.impatient {
                    can(Act::AcquireImpatiently);
                }
            }
            _ => can(Act::Acquire),
        }
        if setting.refreshes && !leads && self.fits(self.known(reader)).is_some() {
            can(Act::FindAndRefresh);
        }
        if self.may_give_up() {
            can(Act::AcquireLate);
        }
    }

    /// A renewal is worth a step only where a rule is missing: here no lease has to be kept from running out.
    fn renews(&self, lease: Option<Token>, can: &mut impl FnMut(Act)) {
        let recreates = self.without(Mutation::RenewalRecreates) && self.world.key == Entry::Absent;
        if lease.is_some() && (recreates || self.without(Mutation::ExpirySetSeparately)) {
            can(Act::Renew);
        }
    }

    fn may_give_up(&self) -> bool {
        self.world.timeouts > 0 && self.has_room()
    }

    /// Readers of one process are alike, so they come in order.
    pub fn may_come(&self, reader: usize) -> bool {
        let process = self.rules.setting.readers[reader];
        (0..reader)
            .all(|other| self.rules.setting.readers[other] != process || self.world.readers[other].phase != Phase::Idle)
    }

    pub fn read(&mut self, reader: usize, act: Act) {
        match act {
            Act::Follow => self.follow(reader),
            Act::Ask => self.ask(reader, true),
            Act::AskLate => self.ask(reader, false),
            Act::Acquire => self.look(reader),
            Act::AcquireImpatiently => self.look_impatiently(reader),
            Act::AcquireLate => self.look_in_vain(reader),
            Act::FindAndRefresh => self.find_and_refresh(reader),
            Act::Wake => self.wake(reader),
            Act::TakeOver => self.take_over_seen(reader),
            Act::Read => self.load(reader),
            Act::Renew => self.keep(reader),
            Act::Fill => self.store(reader),
            Act::FillLate => self.store_in_vain(reader),
            Act::End => self.end(reader),
            Act::EndLate => self.end_in_vain(reader),
            Act::Land => self.land(reader),
            Act::Cancel => self.cancel(reader),
            Act::Refill => self.store_refreshed(reader),
            Act::RefillLate => self.store_refreshed_in_vain(reader),
        }
    }

    /// Calls, if it has not yet.
    pub fn come(&mut self, reader: usize) {
        let view = self.world.processes[self.process(reader)].view;
        let floor = self.world.floor;
        let this = &mut self.world.readers[reader];
        if this.phase == Phase::Idle {
            this.phase = Phase::Looking;
            this.floor = floor;
            this.stamps.epoch = view;
        }
    }

    /// Is about to look again; the tag has to be asked for again, too.
    pub fn look_again(&mut self, reader: usize) {
        let this = &mut self.world.readers[reader];
        this.phase = Phase::Looking;
        this.stamps.tag = None;
        this.asked = false;
        this.early = 0;
        this.holder = false;
        self.tell(|| format!("reader {reader} will look again"));
    }

    /// Returns.
    pub fn finish(&mut self, reader: usize, version: Version) {
        let this = &mut self.world.readers[reader];
        let floor = this.floor;
        this.phase = Phase::Done;
        self.returned(version, floor);
    }

    pub fn process(&self, reader: usize) -> usize {
        self.rules.setting.readers[reader]
    }

    pub fn flight(&self, reader: usize) -> Option<usize> {
        self.world.processes[self.process(reader)].flight
    }

    /// Whether every stamp is known that a value here has.
    pub fn knows(&self, stamps: Stamps) -> bool {
        let setting = &self.rules.setting;
        (!setting.tagged || stamps.tag.is_some()) && (!setting.clearable || stamps.epoch.is_some())
    }

    /// Everybody of this reader's process who has come until now came before what it does next.
    pub fn begin(&mut self, reader: usize) {
        let process = self.process(reader);
        let mut early = 0;
        for other in 0..self.rules.setting.readers.len().min(READERS) {
            if other != reader && self.process(other) == process && self.world.readers[other].waits() {
                early |= 1 << other;
            }
        }
        self.world.readers[reader].early = early;
    }
}
