//! What a worker hands to the body, and what the body says to it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::codec::{self, CacheValue, Outermost};
use crate::entry::Stored;
use crate::form::Form;
use crate::store::queues::{Id, Record};

/// Writes in the order in which they were accepted.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) items: Vec<Taken>,
}

/// One of them.
#[derive(Clone)]
pub struct Taken {
    /// Grows with every write of the queue's shard: what a body compares to be idempotent.
    pub(crate) id: Id,
    pub(crate) form: Form,
    pub(crate) version: u32,
    pub(crate) payload: Bytes,
}

impl Batch {
    /// In order.
    pub fn items(&self) -> &[Taken] {
        &self.items
    }
}

impl Taken {
    /// Where it is in its queue.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The version that its writer gave it.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The value, where it is of this type.
    pub fn value<V: CacheValue>(&self) -> Option<V> {
        let readable = self.form.may_be(codec::type_tag::<V>(), 0);
        readable.then(|| codec::decode(self.form.codec, &self.payload, Outermost::Kept)).flatten()
    }
}

impl Failed {
    /// Nothing was written.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }

    /// These cannot be read, and nothing was written.
    pub fn unreadable(positions: Vec<usize>, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), unreadable: positions, newer: false }
    }
}

/// No payload: it may be about people.
impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a batch was not written.
#[derive(Clone, Debug, Default)]
pub struct Failed {
    /// For the dead letters.
    pub(crate) reason: String,
    /// The positions of what cannot be read; nothing was written then.
    pub(crate) unreadable: Vec<usize>,
    /// Something of it is of a higher version: it is for a worker of a newer build.
    pub(crate) newer: bool,
}

/// Writes one batch.
pub type Body = Arc<dyn Fn(Batch) -> Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>> + Send + Sync>;

/// One write that is to be written, and what it stands for.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) stored: Stored,
    /// Earlier writes of the key, oldest first, that are left out.
    pub(super) covers: Vec<Record>,
}

impl Row {
    /// All that is done with once it is written.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        self.covers.iter().chain([&self.record]).map(|record| record.id)
    }

    pub(super) fn taken(&self) -> Taken {
        let header = &self.stored.header;
        Taken { id: self.record.id, form: header.form, version: header.version, payload: self.stored.payload.clone() }
    }
}
