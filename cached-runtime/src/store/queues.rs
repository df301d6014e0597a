//! Durable queues beside the entries: bytes in, bytes out. Every operation is atomic over all keys that it names.
//!
//! A queue is a stream per shard, read by whoever holds the shard's lease; a hash of the keys that are queued, each with
//! the last of its ids; and a stream of dead letters.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Placeholder, Reply};

/// The place of one write in its queue: later writes have larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// When the store took it, in milliseconds since 1970 by its own clock.
    pub millis: u64,
    /// Among those of the same millisecond.
    pub number: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, number) = text.split_once('-').ok_or(())?;
        Ok(Self { millis: millis.parse().map_err(drop)?, number: number.parse().map_err(drop)? })
    }
}

/// What the store calls the parts of one queue.
#[derive(Clone, Debug)]
pub struct Names {
    /// One stream per shard.
    pub streams: Vec<Arc<str>>,
    /// Who reads it, per shard.
    pub leases: Vec<Arc<str>>,
    /// From each queued key to the last of its ids.
    pub pending: Arc<str>,
    /// From keys to the id up to which what is queued of them must not be written any more.
    pub void: Arc<str>,
    /// What could not be written.
    pub dead: Arc<str>,
    /// Begins the names of calls that must not be queued any more.
    pub late: Arc<str>,
    /// Begins the names of what is known of each process's calls.
    pub calls: Arc<str>,
}

/// One write of a call.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The entry's key.
    pub key: Arc<str>,
    /// Which stream.
    pub shard: usize,
    /// The entry; `None`: not to be queued, its key is to be marked.
    pub entry: Option<Bytes>,
}

/// The writes of one call: all of them are queued, or none.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// In order.
    pub writes: Vec<Arrival>,
    /// At this many queued writes no more keys are taken in.
    pub most: u64,
    /// Past that mark, a write takes the place of the one that is queued of its key, if that may be left out.
    pub replaces: bool,
    /// Past that mark, the keys are marked, for the caller to write them itself.
    pub marks: bool,
    /// What marks a key that its caller writes itself; and what tells this call from every other, however often it is sent.
    pub marker: Placeholder,
    /// How long that mark stays.
    pub px: Duration,
}

/// What became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Queued, and served from now on.
    Queued {
        /// The last id.
        last: Id,
        /// How many writes are queued now.
        length: u64,
    },
    /// Queued when it was sent before.
    Again,
    /// The caller is to write them itself. Its keys are marked.
    Marked,
    /// The queue is full, and nothing was done.
    Full,
    /// Nothing was done: some of the keys are queued, and others are not to be, or not now. Again in a moment.
    Later,
}

/// One queued write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub id: Id,
    /// The entry's key.
    pub key: Arc<str>,
    /// The entry.
    pub entry: Bytes,
    /// Something newer was written past the queue: this must not be written any more.
    pub void: bool,
}

/// A key whose last taken write is in the database.
#[derive(Clone, Debug)]
pub struct Flushed {
    /// The entry's key.
    pub key: Arc<str>,
    /// The last of its ids that was taken.
    pub id: Id,
    /// The fill of that write.
    pub fill: u64,
    /// How long the entry lives from now on; `None` is for ever.
    pub px: Option<Duration>,
}

/// A write that cannot be written.
#[derive(Clone, Debug)]
pub struct Dead {
    /// The write.
    pub record: Record,
    /// Its fill.
    pub fill: u64,
    /// Why.
    pub reason: String,
    /// What is queued of its key before it, and is the last of it from now on.
    pub before: Option<Record>,
}

/// The end of one batch.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// These are removed from the stream, the dead ones too.
    pub ids: Vec<Id>,
    /// These keys are in the database as they were taken.
    pub flushed: Vec<Flushed>,
    /// These go to the dead letters.
    pub dead: Vec<Dead>,
}

/// How much is read at a time.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// The first id that is read.
    pub from: Id,
    /// At most so many.
    pub count: usize,
    /// At most so many bytes, and at least one write.
    pub bytes: usize,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Writes in all shards.
    pub queued: u64,
    /// Dead letters.
    pub dead: u64,
}

/// What a store says of how it keeps its data. `None`: it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durability {
    /// `maxmemory-policy`.
    pub eviction: Option<String>,
    /// Whether every write goes to a file.
    pub logged: Option<bool>,
    /// `appendfsync`.
    pub fsync: Option<String>,
    /// It is the memory of this process.
    pub volatile: bool,
}

/// A key that was written past the queue while the store was away.
#[derive(Clone, Debug)]
pub struct Overtaken {
    /// The entry's key.
    pub key: Arc<str>,
    /// What was queued of it up to here is older.
    pub before: Option<Id>,
    /// And what was queued longer ago than this.
    pub ago: Duration,
    /// Calls of which nobody knows whether they were queued, or still will be: the marker and the fill of each.
    pub unknown: Vec<(Placeholder, u64)>,
    /// Grows with every call that has written the key.
    pub number: u64,
}

/// What a store does for queues. Only where all keys are on one server: each operation is about several.
pub trait Queues: fmt::Debug + Send + Sync {
    /// Puts values into the cache and into the queue, or marks their keys.
    fn accept<'s>(&'s self, names: &'s Names, arrivals: &'s Arrivals) -> Reply<'s, Arrived>;

    /// What the shard holds, oldest first. `None`: the lease is somebody else's.
    fn read<'s>(
        &'s self,
        names: &'s Names,
        shard: usize,
        lease: &'s Placeholder,
        portion: Portion,
    ) -> Reply<'s, Option<Vec<Record>>>;

    /// Removes writes from the queue, and lets their entries live like others. False: the lease is somebody else's, and
    /// nothing was done.
    fn done<'s>(&'s self, names: &'s Names, shard: usize, lease: &'s Placeholder, done: &'s Done) -> Reply<'s, bool>;

    /// The first and the last id of each shard.
    fn ends<'s>(&'s self, names: &'s Names) -> Reply<'s, Vec<Option<(Id, Id)>>>;

    /// How much there is.
    fn lengths<'s>(&'s self, names: &'s Names) -> Reply<'s, Lengths>;

    /// How it keeps its data.
    fn durability(&self) -> Reply<'_, Durability>;

    /// What is queued of a key is older than the database: it is not written any more, nor served.
    fn overtake<'s>(&'s self, names: &'s Names, overtaken: &'s Overtaken) -> Reply<'s, ()>;
}
