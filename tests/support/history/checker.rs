//! Whether a history may have happened. One pass over the events in the order of time, constant work for each.
//!
//! 1. **Stale.** A read that began after the write of version `v` was over never returns less than `v`.
//! 2. **From nowhere.** No read returns a version whose commit had not begun when it returned, or another key's row.
//! 3. **Two leases.** Nobody is given a lease while somebody else holds one that nothing has ended.

use std::collections::{HashMap, VecDeque};

use super::event::{Event, What};
use super::story::{Kind, Offence, Story};

/// How much of each key's past is kept to tell the story of an offence.
const MEMORY: usize = 1024;

/// How long a deletion without an answer may still happen, and a server's clock be behind, in nanoseconds.
const LATE: u64 = 1_000_000_000;
const ROUNDING: u64 = 2_000_000;

/// What a history amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub reads: u64,
    pub invalidations: u64,
    pub leases: u64,
    pub stale: u64,
    pub from_nowhere: u64,
    pub two_leases: u64,
}

impl Counts {
    pub fn offences(&self) -> u64 {
        self.stale + self.from_nowhere + self.two_leases
    }
}

/// Reads a history, event by event.
#[derive(Default)]
pub struct Checker {
    keys: HashMap<u8, Key>,
    /// By process, task and key: nobody reads one key twice at a time.
    reading: HashMap<(u8, u16, u8), Reading>,
    counts: Counts,
    /// The shortest of each kind.
    stories: HashMap<Kind, Story>,
}

/// A read that began, and what it must not go below.
struct Reading {
    began: Event,
    floor: Option<Floor>,
}

/// The newest version whose write is over, and the event that says so.
#[derive(Clone, Copy)]
struct Floor {
    version: u64,
    since: Event,
}

#[derive(Default)]
struct Key {
    floor: Option<Floor>,
    /// Commits begun: each makes the version one higher, so none is above this.
    commits: u64,
    holder: Option<Holder>,
    /// Deletions and the like on their way: each may end a lease at any time.
    clearing: u32,
    /// The last one that was answered; later, if it was not.
    cleared_until: u64,
    past: VecDeque<Event>,
}

struct Holder {
    token: u64,
    /// It may hold the lease for longer, but not for less.
    until: u64,
}

impl Checker {
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The shortest story of an offence, if there was one.
    pub fn shortest(&self) -> Option<&Story> {
        self.stories.values().min_by_key(|story| story.length())
    }

    /// The shortest of that kind.
    pub fn shortest_of(&self, kind: Kind) -> Option<&Story> {
        self.stories.get(&kind)
    }

    /// The next event.
    pub fn see(&mut self, event: Event) {
        let key = self.keys.entry(event.key).or_default();
        let reader = (event.process, event.task, event.key);
        let mut offence = None;
        match event.what {
            What::ReadBegan => {
                self.reading.insert(reader, Reading { began: event, floor: key.floor });
                return;
            }
            What::ReadGone => {
                self.reading.remove(&reader);
                return;
            }
            What::ReadEnded { version, of } => {
                self.counts.reads += 1;
                let Some(Reading { began, floor }) = self.reading.remove(&reader) else { return };
                if version > key.commits || of != event.key {
                    self.counts.from_nowhere += 1;
                    offence = Some(Offence::FromNowhere { began });
                } else if let Some(missed) = floor.filter(|floor| version < floor.version) {
                    self.counts.stale += 1;
                    offence = Some(Offence::Stale { began, missed: missed.since });
                } else {
                    return;
                }
            }
            What::CommitBegan => key.commits += 1,
            What::Invalidated { version } => {
                self.counts.invalidations += 1;
                if key.floor.is_none_or(|floor| floor.version < version) {
                    key.floor = Some(Floor { version, since: event });
                }
            }
            What::Loaded { .. } | What::Stored { .. } => {}
            What::Leased { token, asked, millis } => {
                self.counts.leases += 1;
                let until = lasts(asked, millis);
                // A deletion that was answered since may have come after the lease, though its answer came before.
                let certain = until > event.at && key.clearing == 0 && key.cleared_until <= asked;
                if let Some(first) = key.holder.take()
                    && certain
                    && first.until > event.at
                {
                    self.counts.two_leases += 1;
                    offence = Some(Offence::TwoLeases { first: first.token });
                }
                key.holder = certain.then_some(Holder { token, until });
            }
            What::Renewed { token, asked, millis } => {
                if let Some(holder) = key.holder.as_mut().filter(|holder| holder.token == token) {
                    holder.until = holder.until.max(lasts(asked, millis));
                }
            }
            What::GivenUp { token } => drop(key.holder.take_if(|holder| holder.token == token)),
            What::Clearing => {
                key.clearing += 1;
                key.holder = None;
            }
            What::Cleared | What::PerhapsCleared => {
                key.clearing = key.clearing.saturating_sub(1);
                let late = if event.what == What::Cleared { 0 } else { LATE };
                key.cleared_until = key.cleared_until.max(event.at + late);
            }
        }
        if let Some(offence) = offence {
            let story = Story::of(offence, event, &key.past);
            let shortest = self.stories.get(&offence.kind());
            if shortest.is_none_or(|shortest| story.length() < shortest.length()) {
                self.stories.insert(offence.kind(), story);
            }
        }
        if key.past.len() == MEMORY {
            key.past.pop_front();
        }
        key.past.push_back(event);
    }
}

/// Until when a lease lasts at least.
fn lasts(asked: u64, millis: u16) -> u64 {
    (asked + u64::from(millis) * 1_000_000).saturating_sub(ROUNDING)
}

impl Extend<Event> for Checker {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.see(event));
    }
}
