//! One key as it is in the store, read by the code that reads it for a call: for `cargo cached get`. Not for users.
//!
//! Nothing is written and no lease is taken: stamps, too, are only looked at.

use std::time::Duration;

use bytes::Bytes;

use crate::background::InRuntime;
use crate::cache::{Cache, Inner};
use crate::codec::Codec;
use crate::entry::{self, Ended, Entry, Holds, Stored};
use crate::error::Error;
use crate::key::ToKey;
use crate::stamp::Stamp;
use crate::store::{Store, StoreError};

/// What a key holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Looked {
    /// The key's name in the store.
    pub name: String,
    /// So many bytes; `None` where there is nothing.
    pub bytes: Option<usize>,
    /// When the store drops it by itself; `None` where it does not.
    pub left: Option<Duration>,
    /// What the bytes mean.
    pub held: Holding,
}

/// See [`Looked::held`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Holding {
    /// There is nothing.
    Nothing,
    /// Somebody loads.
    Lease,
    /// A writer hides the value until it is done.
    Writer,
    /// A load ended with a `None` (true) or with nothing that may be shared.
    Ended(bool),
    /// A value, a cached `None`, or a remembered error.
    Entry(Box<Found>),
    /// No entry: damaged, cut short, too large, or not of a cache.
    Foreign,
}

/// An entry, and what its header says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// `value`, `none` or `error`.
    pub kind: &'static str,
    /// Unpacked, as its codec wrote it.
    pub payload: Bytes,
    /// What wrote the payload.
    pub codec: Codec,
    /// Whether it is stored compressed.
    pub packed: bool,
    /// Of the value.
    pub version: u32,
    /// The fingerprint of the schema; 0 where the type has none.
    pub schema: u64,
    /// Milliseconds since 1970, by the clock of whoever stored it.
    pub created: u64,
    /// How long ago that was.
    pub age: Duration,
    /// `None`: for ever.
    pub ttl: Option<Duration>,
    /// Servable that long past its ttl.
    pub stale: Duration,
    /// How long the load took.
    pub load: Duration,
    /// The tags, as templates render them, and whether they were invalidated since.
    pub tags: Vec<(String, bool)>,
    /// Everything was invalidated since.
    pub cleared: bool,
}

impl Found {
    /// Whether no call is served it any more, though it is there.
    pub fn invalidated(&self) -> bool {
        self.cleared || self.tags.iter().any(|(_, gone)| *gone)
    }
}

/// Reads one key.
///
/// # Errors
///
/// As [`Cache::invalidate`].
pub async fn look(cache: &Cache, key: impl ToKey) -> Result<Looked, Error> {
    let key = cache.usable(&key)?;
    let inner = cache.inner();
    let store = inner.store().ok_or(Error::Disabled)?;
    let looked = InRuntime::new(async move {
        let bytes = match store.get(&key).await {
            Err(StoreError::ForeignKind) => None,
            held => Some(held?),
        };
        let left = store.left(&key).await?;
        let held = match &bytes {
            None => Holding::Foreign,
            Some(None) => Holding::Nothing,
            Some(Some(bytes)) => match Entry::parse(bytes, inner.max_value) {
                Entry::Lease(..) => Holding::Lease,
                Entry::Writer => Holding::Writer,
                Entry::Ended(_, how) => Holding::Ended(matches!(how, Ended::Absent { .. })),
                Entry::Corrupt => Holding::Foreign,
                Entry::Value(stored) => Holding::Entry(Box::new(found(stored, bytes.len(), inner, &*store).await?)),
            },
        };
        let bytes = bytes.map_or(Some(0), |bytes| bytes.map(|bytes| bytes.len()));
        Ok::<_, StoreError>(Looked { name: key.to_string(), bytes, left, held })
    });
    Ok(looked.await?)
}

async fn found(stored: Stored, length: usize, inner: &Inner, store: &dyn Store) -> Result<Found, StoreError> {
    let mut cleared = true;
    for epoch in inner.epoch.keys() {
        cleared &= now(epoch, store).await? != Some(stored.carried(epoch));
    }
    let begins = inner.tag_key_begins();
    let mut tags = Vec::new();
    for (tag, carried) in stored.tags.iter() {
        // The copies of the epoch stand among the tags.
        if let Some(name) = tag.strip_prefix(&*begins) {
            tags.push((name.to_owned(), now(tag, store).await? != Some(carried)));
        }
    }
    let header = stored.header;
    Ok(Found {
        kind: match header.holds {
            Holds::Value => "value",
            Holds::Queued => "queued value",
            Holds::Absence => "none",
            Holds::Failure => "error",
        },
        packed: length != entry::size(&stored.tags, &stored.payload),
        payload: stored.payload,
        codec: header.form.codec,
        version: header.version,
        schema: header.form.schema,
        created: header.created.0,
        age: header.created.age(),
        ttl: header.ttl,
        stale: header.stale,
        load: header.load,
        tags,
        cleared,
    })
}

async fn now(stamp: &str, store: &dyn Store) -> Result<Option<Stamp>, StoreError> {
    let held = store.get(stamp).await?;
    Ok(held.and_then(|bytes| bytes[..].try_into().ok()).map(Stamp::from_le_bytes))
}
