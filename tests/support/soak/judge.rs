//! The history's checker, and what it does not know of: writes whose invalidation is only queued.

use std::collections::HashMap;

use crate::history::checker::{Checker, Counts};
use crate::history::event::{Event, What};
use crate::history::fleet::LATE;

/// The newest version whose write is over, acknowledged or queued; in one process, or in all.
type Floors<K> = HashMap<K, u64>;

pub struct Judge {
    checker: Checker,
    /// By process and key.
    own: Floors<(u8, u8)>,
    /// By key.
    all: Floors<u8>,
    /// By process, task and key, as they were when the read began.
    reading: HashMap<(u8, u16, u8), Floor>,
    queued: u64,
    behind: u64,
    betrayed: Vec<(Floor, Event)>,
}

#[derive(Clone, Copy, Debug)]
struct Floor {
    own: u64,
    all: u64,
}

/// What a history amounts to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub counts: Counts,
    /// The shortest story of a stale read, or of one from nowhere.
    pub story: Option<String>,
    /// Writes whose invalidation was queued.
    pub queued: u64,
    /// Reads of another process that were older than such a write.
    pub behind: u64,
    /// Reads of the same process that were.
    pub betrayed: u64,
}

impl Judge {
    pub fn new() -> Self {
        Self {
            checker: Checker::new(LATE),
            own: HashMap::new(),
            all: HashMap::new(),
            reading: HashMap::new(),
            queued: 0,
            behind: 0,
            betrayed: Vec::new(),
        }
    }

    pub fn verdict(&self) -> Verdict {
        use crate::history::story::Kind;
        let told = [Kind::Stale, Kind::FromNowhere].into_iter().find_map(|kind| self.checker.shortest_of(kind));
        let betrayed = self.betrayed.first().map(|(floor, event)| format!("own write forgotten ({floor:?}): {event}"));
        Verdict {
            counts: self.checker.counts(),
            story: told.map(ToString::to_string).or(betrayed),
            queued: self.queued,
            behind: self.behind,
            betrayed: self.betrayed.len() as u64,
        }
    }

    fn over(&mut self, event: Event, version: u64) {
        for floor in [self.own.entry((event.process, event.key)).or_default(), self.all.entry(event.key).or_default()] {
            *floor = version.max(*floor);
        }
    }

    fn see(&mut self, event: Event) {
        let stale = self.checker.counts().stale;
        self.checker.see(event);
        let stale = self.checker.counts().stale > stale;
        let reader = (event.process, event.task, event.key);
        match event.what {
            What::ReadBegan => {
                let own = self.own.get(&(event.process, event.key)).copied().unwrap_or(0);
                let all = self.all.get(&event.key).copied().unwrap_or(0);
                self.reading.insert(reader, Floor { own, all });
            }
            // Where others write it may be behind for a moment, but not where its own process does.
            What::LocalReadBegan => {
                let own = self.own.get(&(event.process, event.key)).copied().unwrap_or(0);
                self.reading.insert(reader, Floor { own, all: 0 });
            }
            What::ReadGone => _ = self.reading.remove(&reader),
            What::ReadEnded { version, .. } => {
                if let Some(floor) = self.reading.remove(&reader) {
                    if version < floor.own {
                        self.betrayed.push((floor, event));
                    } else if version < floor.all && !stale {
                        self.behind += 1;
                    }
                }
            }
            What::Queued { version } => {
                self.queued += 1;
                self.over(event, version);
            }
            What::Invalidated { version } => self.over(event, version),
            _ => {}
        }
    }
}

impl Extend<Event> for Judge {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.see(event));
    }
}
