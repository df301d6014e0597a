//! Where entries live: bytes in, bytes out. Two implementations with the same semantics, leases included.
//!
//! Every operation is atomic on one key and returns within the store's own deadline. What the bytes mean is not the
//! store's business, with one exception: it compares placeholders.

#[cfg(feature = "memory")]
pub(crate) mod memory;
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "only a server needs all of it"))]
pub mod queues;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use bytes::Bytes;
use tokio::time::Instant;

pub use self::queues::{Names, Overtaken, Queues};
pub use crate::entry::Placeholder;
pub use crate::stamp::{Ask, Stamp};
pub use crate::tier::Pulse;

/// A boxed future, so that a cache holds any store.
pub type Reply<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// What a takeover must find to replace it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(any(feature = "memory", feature = "redis")), expect(dead_code, reason = "there is no store to ask"))]
pub enum Observed<'o> {
    /// An entry that begins with these bytes.
    Prefix(&'o [u8]),
    /// A Redis value of another kind: a list, a hash.
    ForeignKind,
}

/// What a key holds, and the stamps that were read along with it.
#[derive(Clone, Debug, Default)]
pub struct Acquired {
    /// `None`: the lease is there now.
    pub held: Option<Bytes>,
    /// In the order in which they were asked for; `None` where it could be neither read nor made.
    pub stamps: Vec<Option<Stamp>>,
}

/// What a key holds, as far as it takes to tell one value from another; and who would say that it changed.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The first bytes; none where there is nothing.
    pub begins: Bytes,
    /// How long it will hold it, if not for ever.
    pub left: Option<Duration>,
    /// Of the connection on which the change is going to be told.
    pub pulse: Arc<Pulse>,
}

/// Who hears of changes. At once, on the thread that learns of them.
pub trait Listener: std::fmt::Debug + Send + Sync {
    /// This key changed, or may have.
    fn changed(&self, key: &[u8]);
}

/// A value on its way to the store.
#[derive(Clone, Debug)]
#[cfg_attr(not(any(feature = "memory", feature = "redis")), expect(dead_code, reason = "there is no store to fill"))]
pub struct Filling {
    /// The entry.
    pub value: Bytes,
    /// How long it lives; `None` is for ever.
    pub px: Option<Duration>,
    /// The keys of stamps that have to outlive it.
    pub tags: Vec<Arc<str>>,
}

/// How a load ends in the store.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The key.
    pub key: Arc<str>,
    /// The lease that was held for it.
    pub lease: Placeholder,
    /// The value, or what takes the lease's place for a while.
    pub how: End,
}

/// See [`Ending`].
#[derive(Clone, Debug)]
pub enum End {
    /// As [`Store::fill`].
    Fill(Filling),
    /// As [`Store::release`].
    Release(Option<(Vec<u8>, Duration)>),
}

/// The answers to several commands, each by itself, and the stamps.
pub type Many<T> = (Vec<Result<T, StoreError>>, Vec<Option<Stamp>>);

/// The operations of the lease protocol.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Get or acquire: what the key holds, or `None` after `lease` was put there for `px`; and the stamps.
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired>;

    /// [`Self::acquire`] for many keys in one round trip.
    fn acquire_many<'s>(
        &'s self,
        keys: &'s [(Arc<str>, Placeholder)],
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Many<Option<Bytes>>> {
        Box::pin(async move {
            let stamps = self.stamps(asks).await?;
            let mut held = Vec::with_capacity(keys.len());
            for (key, lease) in keys {
                held.push(self.acquire(key, lease, px, &[]).await.map(|acquired| acquired.held));
            }
            Ok((held, stamps))
        })
    }

    /// What the key holds.
    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>>;

    /// When the key ends by itself; `None` where it does not, or is not there.
    #[cfg(feature = "inspect")]
    fn left<'s>(&'s self, _key: &'s str) -> Reply<'s, Option<Duration>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// The stamps, made where there are none.
    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>>;

    /// Replaces the lease by the value; false when the key no longer holds this lease.
    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool>;

    /// Removes the lease, or leaves `marker` in its place for a while; false when the key no longer holds this lease.
    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool>;

    /// [`Self::fill`] and [`Self::release`] for many keys in one round trip.
    fn end_many<'s>(&'s self, endings: &'s [Ending]) -> Reply<'s, Vec<Result<bool, StoreError>>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(endings.len());
            for Ending { key, lease, how } in endings {
                answers.push(match how {
                    End::Fill(filling) => self.fill(key, lease, filling).await,
                    End::Release(marker) => self.release(key, lease, marker.clone()).await,
                });
            }
            Ok(answers)
        })
    }

    /// Extends the lease or the write marker; false when the key no longer holds it. Never creates the key.
    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool>;

    /// Replaces what was observed by the lease; false when something else is there by now.
    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool>;

    /// Replaces an entry that begins with these bytes by another; false when something else is there by now.
    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool>;

    /// Puts a write marker over whatever the keys hold, and reads the stamps: nothing is served or filled under these
    /// keys until the write has ended.
    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>>;

    /// Replaces the write marker by the value. Where the key no longer holds this marker it is removed, whatever it
    /// holds: then another writer was at work meanwhile, and nobody knows whose value is the newer one. False: removed.
    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool>;

    /// Writes a value over whatever is there.
    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()>;

    /// Removes the keys, whatever they hold.
    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()>;

    /// [`Self::delete`], of which some may fail while others do not: where the keys are on several servers.
    fn delete_each<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, Vec<Result<(), StoreError>>> {
        Box::pin(async move {
            let deleted = self.delete(keys).await;
            Ok(keys.iter().map(|_| deleted.clone()).collect())
        })
    }

    /// Waits until the key no longer holds `lease`, or its time to live is over, or `until`; then says what it holds.
    /// Calls `before_read` before each look.
    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>>;

    /// What these keys begin with, from now on until they change: the next change of each is told to the listener. `None`
    /// for those of which nobody would tell, at least not now. There is one listener for all times.
    fn track<'s>(&'s self, keys: &'s [Arc<str>], _listener: &'s Arc<dyn Listener>) -> Reply<'s, Vec<Option<Tracked>>> {
        Box::pin(std::future::ready(Ok(keys.iter().map(|_| None).collect())))
    }

    /// Whether other processes use it too.
    fn shared(&self) -> bool {
        true
    }

    /// Names under which copies of this key are likely to be on other servers; none where there is but one.
    fn elsewhere(&self, _key: &str) -> Vec<Arc<str>> {
        Vec::new()
    }

    /// How the store is, as far as is known without asking it.
    fn condition(&self) -> Condition {
        Condition::Up
    }

    /// Whether nobody is asked about this key now. Says so at once, and sees to it that whoever holds it is tried.
    fn given_up(&self, _key: &str) -> bool {
        false
    }

    /// Whether it is given up, or did not answer when it was asked last.
    fn is_doubtful(&self, key: &str) -> bool {
        self.given_up(key)
    }

    /// What it would not do lately, though it answers: because it is out of memory, or for want of a permission.
    fn refusal(&self) -> Option<StoreError> {
        None
    }

    /// How often it was given up so far.
    fn times_opened(&self) -> u64 {
        0
    }

    /// What it does for queues; `None` where its keys are on several servers.
    fn queues(&self) -> Option<&dyn Queues> {
        None
    }

    /// Who knows what the store has missed while it was away. Asked before it is used again.
    fn repaired_by(&self, _: Arc<dyn Repair>) {}
}

/// How a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a server can be away"))]
pub enum Condition {
    /// It is asked.
    Up,
    /// Some of its servers are not asked.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code, reason = "one server is all of them"))]
    Partly,
    /// It answers and does not store: it is not asked, since invalidations could not land there.
    ReadOnly,
    /// It does not know what is needed: it is not asked.
    TooOld,
    /// It is not asked.
    Down,
}

/// What a store has missed while it was away.
pub trait Repair: std::fmt::Debug + Send + Sync {
    /// Keys to delete, each with a number. After `replaced` by another server also those that the one before may have
    /// forgotten.
    fn outstanding(&self, replaced: bool) -> Vec<(Arc<str>, u64)>;

    /// Keys that were written past their queues.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "only a server can be away"))]
    fn overtaken(&self) -> Vec<(Arc<Names>, Overtaken)> {
        Vec::new()
    }

    /// The store knows of this one.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "only a server can be away"))]
    fn overtook(&self, _: &Overtaken) {}

    /// These were deleted.
    fn delivered(&self, keys: &[(Arc<str>, u64)]);
}

/// Why an operation has no answer. Each means the same to a cached call: run the body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// No connection.
    Unavailable,
    /// No answer within the deadline; the command may still be executed.
    Timeout,
    /// The server reads but does not write (`READONLY`, `NOREPLICAS`, `MISCONF`): invalidations cannot land there
    /// either, so its hits are not to be trusted.
    WritesRefused,
    /// The server is out of memory; reads and deletions still work.
    OutOfMemory,
    /// The key holds another kind of Redis value.
    ForeignKind,
    /// Another server holds the key (`MOVED`), or is about to (`ASK`).
    Elsewhere {
        /// `host:port`; without a host it is the same as that of who said so.
        address: String,
        /// About to: it answers about the key only when told that it was asked for so.
        asking: bool,
    },
    /// Anything else, by its error code.
    Refused(String),
}

impl StoreError {
    /// The server cannot serve anybody, or not safely: a reason to give it up. Anything else is about one command.
    pub(crate) fn is_about_the_server(&self) -> bool {
        match self {
            Self::Unavailable | Self::Timeout | Self::WritesRefused => true,
            Self::Refused(code) => {
                matches!(code.as_str(), "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY" | "TRYAGAIN")
            }
            Self::OutOfMemory | Self::ForeignKind | Self::Elsewhere { .. } => false,
        }
    }

    /// The server has forgotten the script.
    #[cfg(feature = "redis")]
    pub(crate) fn is_no_script(&self) -> bool {
        matches!(self, Self::Refused(code) if code == "NOSCRIPT")
    }
}
