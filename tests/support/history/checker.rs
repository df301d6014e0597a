//! Whether a history may have happened. One pass over the events in the order of time, constant work for each.
//!
//! 1. **Stale.** A read that began after the write of version `v` was over never returns less than `v`; one that may be
//!    answered in its process, if it began a second after.
//! 2. **From nowhere.** No read returns a version whose commit had not begun when it returned, or another key's row.
//! 3. **Two leases.** Nobody is given a lease while somebody else holds one that nothing has ended.
//! 4. **Endless.** Whatever a key holds ends by itself.
//! 5. **Forgotten.** No read waits for long while nobody loads. Judged only where a machine that stands still is no
//!    reason to: by a paused clock, or where nothing else goes on.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::event::{Event, What};
use super::habits::Habits;
use super::leases::Leases;
use super::loads::Loads;
use super::story::{Kind, Offence, Story};

/// How much of each key's past is kept to tell the story of an offence.
const MEMORY: usize = 1024;

/// In milliseconds. No row is kept for half as long.
const LONGEST: u64 = 600_000;
/// How much later than others a reader with `local` may learn of a write, in nanoseconds.
const LOCAL: u64 = 1_000_000_000;

/// What a history amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub reads: u64,
    pub invalidations: u64,
    /// Leases of which it is certain that they were held for a while.
    pub leases: u64,
    pub stale: u64,
    pub from_nowhere: u64,
    pub two_leases: u64,
    /// Looks at how long something has to live.
    pub looks: u64,
    pub endless: u64,
    pub forgotten: u64,
}

impl Counts {
    pub fn offences(&self) -> u64 {
        self.stale + self.from_nowhere + self.two_leases + self.endless + self.forgotten
    }
}

/// Reads a history, event by event.
#[derive(Default)]
pub struct Checker {
    keys: HashMap<u8, Key>,
    /// By process, task and key: nobody reads one key twice at a time.
    reading: HashMap<(u8, u16, u8), Reading>,
    counts: Counts,
    leases: Leases,
    /// The shortest of each kind.
    stories: HashMap<Kind, Story>,
    /// So many versions for one that says that there is no such row; 0: there always is.
    absent_one_in: u64,
    /// So long may a read wait for nobody, in nanoseconds.
    patience: Option<u64>,
}

/// A read that began, and what it must not go below.
struct Reading {
    began: Event,
    floor: Option<Floor>,
    /// It has a load of its own.
    loads: bool,
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
    /// It, and those before it that a local read may still go by.
    floors: VecDeque<Floor>,
    /// Commits begun: each makes the version one higher, so none is above this.
    commits: u64,
    loads: Loads,
    past: VecDeque<Event>,
}

impl Checker {
    /// `late`: how long a deletion whose sender went away may be on its way.
    pub fn new(late: Duration) -> Self {
        Self { leases: Leases::new(late), ..Self::default() }
    }

    /// Of rows that are not always there.
    pub fn of(self, habits: Habits) -> Self {
        Self { absent_one_in: habits.absent_one_in, ..self }
    }

    /// Where no read waits so long for nobody.
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience: u64::try_from(patience.as_nanos()).ok(), ..self }
    }

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
    pub fn see(&mut self, mut event: Event) {
        let key = self.keys.entry(event.key).or_default();
        if event.what == What::ReadNone {
            // An answer without a version: in the reader's favour the newest that it can have been.
            let since = key.commits.checked_rem(self.absent_one_in);
            let version = since.map_or(u64::MAX, |since| key.commits - since);
            event.what = What::ReadEnded { version, of: event.key };
        }
        let reader = (event.process, event.task, event.key);
        let forgotten = |patience: Option<u64>, began: Event, loads: &Loads| {
            patience.is_some_and(|patience| loads.idle(began.at, event.at) >= patience)
        };
        let mut offence = None;
        match event.what {
            What::ReadBegan => {
                self.reading.insert(reader, Reading { began: event, floor: key.floor, loads: false });
                return;
            }
            What::LocalReadBegan => {
                let known = key.floors.iter().rev().find(|floor| floor.since.at + LOCAL < event.at);
                self.reading.insert(reader, Reading { began: event, floor: known.copied(), loads: false });
                return;
            }
            What::ReadGone => {
                self.reading.remove(&reader);
                return;
            }
            What::ReadEnded { version, of } => {
                self.counts.reads += 1;
                let Some(Reading { began, floor, loads }) = self.reading.remove(&reader) else { return };
                if version > key.commits || of != event.key {
                    self.counts.from_nowhere += 1;
                    offence = Some(Offence::FromNowhere { began });
                } else if let Some(missed) = floor.filter(|floor| version < floor.version) {
                    self.counts.stale += 1;
                    offence = Some(Offence::Stale { began, missed: missed.since });
                } else if !loads && forgotten(self.patience, began, &key.loads) {
                    self.counts.forgotten += 1;
                    offence = Some(Offence::Forgotten { began });
                } else {
                    return;
                }
            }
            What::Loading => {
                if let Some(reading) = self.reading.get_mut(&reader).filter(|reading| !reading.loads) {
                    reading.loads = true;
                    if forgotten(self.patience, reading.began, &key.loads) {
                        self.counts.forgotten += 1;
                        offence = Some(Offence::Forgotten { began: reading.began });
                    }
                }
            }
            What::Lives { millis } => {
                self.counts.looks += 1;
                if millis.is_none_or(|millis| millis > LONGEST) {
                    self.counts.endless += 1;
                    offence = Some(Offence::Endless);
                } else {
                    return;
                }
            }
            What::CommitBegan => key.commits += 1,
            What::Invalidated { version } => {
                self.counts.invalidations += 1;
                if key.floor.is_none_or(|floor| floor.version < version) {
                    let floor = Floor { version, since: event };
                    key.floor = Some(floor);
                    key.floors.push_back(floor);
                    while key.floors.get(1).is_some_and(|next| next.since.at + LOCAL < event.at) {
                        key.floors.pop_front();
                    }
                }
            }
            What::Queued { .. }
            | What::Loaded { .. }
            | What::Stored { .. }
            | What::Refilled { .. }
            | What::LoadOver
            | What::ReadNone => {}
            _ => {
                let given = self.leases.see(event);
                self.counts.leases += u64::from(given.as_ref().is_some_and(|given| given.certain));
                offence = given.and_then(|given| given.despite).map(|first| Offence::TwoLeases { first });
                self.counts.two_leases += u64::from(offence.is_some());
            }
        }
        key.loads.see(event);
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

impl Extend<Event> for Checker {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.see(event));
    }
}
