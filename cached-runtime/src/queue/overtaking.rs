//! Keys that this process has written past their queues while the store was away. What is queued of them is older, and must
//! not be written over it: the store hears of that before it is used again, and no worker of this process writes a key of
//! which it has not heard.
//!
//! A worker of another process that still reaches the store may be quicker.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::event;
use crate::store::Placeholder;
use crate::store::queues::{Id, Names, Overtaken};

/// More keys than that are not remembered.
const MOST: usize = 100_000;

/// Of one key, so many calls of which nobody knows.
const UNKNOWN: usize = 16;

/// One call that writes past the queue.
#[derive(Clone, Debug)]
pub(crate) struct Overtaking {
    pub(super) names: Arc<Names>,
    /// When its body began.
    pub(super) since: Instant,
    /// The last id that this process had heard of by then.
    pub(super) before: Option<Id>,
    /// It may have been queued all the same: its marker, and the fill of each key.
    pub(super) unknown: Option<(Placeholder, HashMap<Arc<str>, u64>)>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Overtakings {
    keys: Mutex<HashMap<Arc<str>, Past>>,
    /// How many there are: while there are none, nobody looks at anything else.
    count: AtomicUsize,
}

struct Past {
    names: Arc<Names>,
    since: Instant,
    before: Option<Id>,
    unknown: Vec<(Placeholder, u64)>,
    /// Of the last call.
    number: u64,
}

/// How many, and no keys.
impl fmt::Debug for Overtakings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overtakings").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Overtakings {
    fn keys(&self) -> MutexGuard<'_, HashMap<Arc<str>, Past>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, keys: &[Arc<str>], overtaking: &Overtaking) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut past = self.keys();
        for key in keys {
            let full = past.len() >= MOST;
            let unknown = overtaking.unknown.as_ref().and_then(|(marker, fills)| Some((*marker, *fills.get(key)?)));
            match past.entry(Arc::clone(key)) {
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.number = number;
                    known.since = known.since.max(overtaking.since);
                    known.before = known.before.max(overtaking.before);
                    known.unknown.extend(unknown);
                    let more = known.unknown.len().saturating_sub(UNKNOWN);
                    known.unknown.drain(..more);
                }
                Entry::Vacant(_) if full => {
                    event::warning!(
                        "cache: more than {MOST} keys were written past their queues while Redis is away; what is queued \
                         of further ones may overwrite them once it is back"
                    );
                    break;
                }
                Entry::Vacant(place) => {
                    let Overtaking { names, since, before, .. } = overtaking.clone();
                    place.insert(Past { names, since, before, unknown: unknown.into_iter().collect(), number });
                }
            }
        }
        self.count.store(past.len(), Ordering::SeqCst);
    }

    /// Whether one of these is queued as something older than what is in the database.
    pub(super) fn concern<'k>(&self, keys: impl IntoIterator<Item = &'k Arc<str>>) -> bool {
        if self.count.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let past = self.keys();
        keys.into_iter().any(|key| past.contains_key(key))
    }

    /// What the store is to hear.
    pub(crate) fn outstanding(&self) -> Vec<(Arc<Names>, Overtaken)> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        let overtaken = |(key, past): (&Arc<str>, &Past)| {
            let Past { names, since, before, unknown, number } = past;
            let (key, unknown) = (Arc::clone(key), unknown.clone());
            let overtaken = Overtaken { key, before: *before, ago: since.elapsed(), unknown, number: *number };
            (Arc::clone(names), overtaken)
        };
        self.keys().iter().map(overtaken).collect()
    }

    /// It has heard of it; not of what came since.
    pub(crate) fn told(&self, overtaken: &Overtaken) {
        let mut past = self.keys();
        if past.get(&overtaken.key).is_some_and(|past| past.number == overtaken.number) {
            past.remove(&overtaken.key);
        }
        self.count.store(past.len(), Ordering::SeqCst);
    }
}
