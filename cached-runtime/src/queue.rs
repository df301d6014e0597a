//! Write-behind: a call puts its values into the cache and into a durable queue, in one atomic step; a worker writes them to
//! the database in batches.
//!
//! ```text
//! accept ── SET key D.. + XADD stream ──▶ queued            the caller goes on; readers see the value
//!    │      queue full, somebody writes the key past it ──▶ through: marker ── body ── compare-and-set
//!    └───── no answer ──▶ through: body, and what is queued of the key is overtaken
//! worker ── lease of the shard ── read ── coalesce ── body ── done: XDEL + D → V
//!                                                      └─ fails: again; then split, to tell poison from the database
//! ```
//! What is queued is served, and nothing but its flush removes it: it is what the database is going to hold. Until then an
//! invalidation only says that the entry goes with the flush. So nobody loads, and stores, the row that is about to change.

mod arrival;
mod attempt;
mod batch;
mod durability;
mod flush;
mod live;
mod overtaking;
mod race;
mod reading;
mod split;
mod tenure;
mod through;
mod worker;

use std::time::Duration;

pub use self::arrival::{Accepted, Item};
pub use self::batch::{Batch, Body, Failed, Taken};
pub use self::live::QueueCounts;
pub(crate) use self::live::Registry;
pub(crate) use self::overtaking::{Overtaking, Overtakings};
pub use self::through::Through;
pub use self::worker::Worker;

/// One queue, as an annotated function says it: plain data, in a `static`. What runs is found by its cache and name.
#[derive(Debug)]
pub struct Queue {
    pub(crate) name: &'static str,
    pub(crate) max_batch: usize,
    pub(crate) linger: Duration,
    /// Of the writes of one key in a batch only the last one is written.
    pub(crate) coalesce: bool,
    /// Past the mark callers write themselves; else they have an error.
    pub(crate) through_when_full: bool,
    pub(crate) retries: u32,
    pub(crate) high_water: u64,
    pub(crate) accept_loss: bool,
    /// How many streams: keys are spread over them, and each has one worker at a time.
    pub(crate) shards: usize,
    /// How long a worker that died keeps others from its shard.
    pub(crate) lease: Duration,
}

#[doc(hidden)]
impl Queue {
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            max_batch: 500,
            linger: Duration::from_millis(50),
            coalesce: true,
            through_when_full: true,
            retries: 3,
            high_water: 100_000,
            accept_loss: false,
            shards: 1,
            lease: Duration::from_secs(5),
        }
    }

    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub const fn max_batch(mut self, writes: usize) -> Self {
        self.max_batch = writes;
        self
    }

    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    pub const fn keep_all(mut self) -> Self {
        self.coalesce = false;
        self
    }

    pub const fn refuse_when_full(mut self) -> Self {
        self.through_when_full = false;
        self
    }

    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    pub const fn high_water(mut self, writes: u64) -> Self {
        self.high_water = writes;
        self
    }

    pub const fn accept_loss(mut self) -> Self {
        self.accept_loss = true;
        self
    }

    /// The same number in every process: a key is in the stream that it says.
    pub const fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    fn shard_of(&self, key: &str) -> usize {
        let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
        usize::try_from(hash % self.shards.max(1) as u64).unwrap_or(0)
    }
}
