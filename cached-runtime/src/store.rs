//! Where entries live: bytes in, bytes out. Two implementations with the same semantics, leases included.
//!
//! Every operation is atomic on one key and returns within the store's own deadline. What the bytes mean is not the
//! store's business, with one exception: it compares placeholders.

#[cfg(feature = "memory")]
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use bytes::Bytes;
use tokio::time::Instant;

pub use crate::entry::Placeholder;

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

/// The operations of the lease protocol.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Get or acquire: what the key holds, or `None` after `lease` was put there for `px`.
    fn acquire<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, Option<Bytes>>;

    /// What the key holds.
    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>>;

    /// Replaces the lease by the value; false when the key no longer holds this lease.
    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, value: Bytes, px: Option<Duration>) -> Reply<'s, bool>;

    /// Removes the lease, or leaves `marker` in its place for a while; false when the key no longer holds this lease.
    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool>;

    /// Extends the lease; false when the key no longer holds it. Never creates the key.
    fn renew<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, bool>;

    /// Replaces what was observed by the lease; false when something else is there by now.
    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool>;

    /// Writes a value over whatever is there.
    fn put<'s>(&'s self, key: &'s str, value: Bytes, px: Option<Duration>) -> Reply<'s, ()>;

    /// Removes the key, whatever it holds.
    fn delete<'s>(&'s self, key: &'s str) -> Reply<'s, ()>;

    /// Waits until the key no longer holds `lease`, or its time to live is over, or `until`; then says what it holds.
    /// Calls `before_read` before each look.
    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>>;
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
    /// Anything else, by its error code.
    Refused(String),
}
