//! What a cache knows of its queues: names, figures, and who is to be woken.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, RwLock};

use super::Queue;
use crate::cache::Inner;
use crate::stats::QueueLength;
use crate::store::queues::{Id, Names};

/// The queues of one cache, by name.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<&'static str, Arc<Live>>>);

impl Registry {
    pub(crate) fn of(&self, queue: &Queue, cache: &Inner) -> Arc<Live> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = queues.entry(queue.name).or_insert_with(|| {
            Arc::new(Live {
                names: Arc::new(cache.queue_names(queue.name, queue.shards.max(1))),
                gate: Arc::default(),
                last: Mutex::default(),
                arrived: Notify::new(),
                counters: Counters::default(),
            })
        });
        Arc::clone(live)
    }

    /// How many writes each has, as this process last heard.
    pub(crate) fn lengths(&self) -> Vec<QueueLength> {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = |live: &Live| live.counters.queued.load(Ordering::Relaxed);
        let mut lengths: Vec<_> =
            queues.iter().map(|(name, live)| QueueLength { name, queued: length(live) }).collect();
        lengths.sort_by_key(|queue| queue.name);
        lengths
    }
}

/// One queue of one cache.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) names: Arc<Names>,
    /// A batch of this process that is in the database, or its calls that write past the queue while the store is away:
    /// nobody else could say which of them comes first.
    pub(super) gate: Arc<RwLock<()>>,
    /// The last id that was given to a call of this process.
    last: Mutex<Option<Id>>,
    /// Tells a worker of this process that there is something to do.
    pub(crate) arrived: Notify,
    pub(crate) counters: Counters,
}

impl Live {
    pub(super) fn queued(&self, last: Id, writes: usize, length: u64) {
        let mut seen = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (*seen).max(Some(last));
        drop(seen);
        self.counters.accepted.fetch_add(writes as u64, Ordering::Relaxed);
        self.counters.queued.store(length, Ordering::Relaxed);
        self.arrived.notify_waiters();
    }
}

impl Live {
    pub(super) fn last(&self) -> Option<Id> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    through: AtomicU64,
    queued: AtomicU64,
    coalesced: AtomicU64,
    written: AtomicU64,
    statements: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
}

impl Counters {
    pub(super) fn statements(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn coalesced(&self, writes: usize) {
        self.coalesced.fetch_add(writes as u64, Ordering::Relaxed);
    }

    pub(super) fn written(&self, writes: usize) {
        self.written.fetch_add(writes as u64, Ordering::Relaxed);
    }

    pub(super) fn dead(&self, writes: usize) {
        self.dead.fetch_add(writes as u64, Ordering::Relaxed);
    }

    pub(super) fn through(&self) {
        self.through.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn length(&self, writes: u64) {
        self.queued.store(writes, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> QueueCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueueCounts {
            accepted: read(&self.accepted),
            through: read(&self.through),
            queued: read(&self.queued),
            coalesced: read(&self.coalesced),
            written: read(&self.written),
            statements: read(&self.statements),
            retried: read(&self.retried),
            dead: read(&self.dead),
        }
    }
}

/// The figures of one queue in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueCounts {
    /// Writes that were queued by calls of this process.
    pub accepted: u64,
    /// Calls of this process whose body ran at once.
    pub through: u64,
    /// Writes in the queue, of all processes, when this one last heard of it.
    pub queued: u64,
    /// Writes that a worker of this process left out, since a later one of their key was there.
    pub coalesced: u64,
    /// Writes that a worker of this process has written.
    pub written: u64,
    /// How often it called the body.
    pub statements: u64,
    /// Those of them that failed.
    pub retried: u64,
    /// Writes that it put among the dead letters.
    pub dead: u64,
}
