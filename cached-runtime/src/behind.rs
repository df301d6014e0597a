//! The typed shim over [`Queue`]: values of a call to items of the queue, items of a batch to the values that the body
//! is called with. What an expansion of `#[write_behind]` calls.
//!
//! The body stays where it was written. The worker calls the annotated function itself, inside of [`Batch`]: the function
//! finds that at its start, and runs its body without asking the queue.

mod batch;
mod drain;
mod kept;
mod worker;

use std::marker::PhantomData;

pub(crate) use self::batch::Batch;
pub use self::batch::{WriteId, write_ids};
pub use self::drain::{Along, Drain, along, taken};
pub use self::kept::{ByDisplay, ByTypeName, Kept, kept, told};
pub use self::worker::{QueueStats, Worker, WriteBehind};
use crate::background::InRuntime;
use crate::cache::{Cache, IntoCache};
use crate::error::Error;
use crate::key::Key;
use crate::outcome::Shape;
use crate::policy::IntoTtl;
use crate::queue::{Accepted, Item, Queue, Through};
use crate::site::Site;
use crate::transaction::Transaction;

/// One call, before its values are handed over.
#[derive(Debug)]
pub struct Behind<T> {
    pending: Pending,
    kept: Kept<T>,
}

/// The same without the values' type.
#[derive(Debug)]
struct Pending {
    site: &'static Site,
    queue: &'static Queue,
    cache: Option<Cache>,
    when: bool,
    /// The worker calls.
    batch: Option<Vec<WriteId>>,
    items: Vec<Item>,
    /// One of the values, or of its keys, cannot be queued.
    unfit: bool,
}

impl<T> Behind<T> {
    #[doc(hidden)]
    pub fn new(site: &'static Site, queue: &'static Queue, kept: Kept<T>) -> Self {
        let batch = Batch::take(queue);
        let pending = Pending { site, queue, cache: None, when: true, batch, items: Vec::new(), unfit: false };
        Self { pending, kept }
    }

    #[doc(hidden)]
    pub fn cache(mut self, cache: impl IntoCache) -> Self {
        self.pending.cache = Some(cache.into_cache());
        self
    }

    #[doc(hidden)]
    pub fn when(mut self, when: bool) -> Self {
        self.pending.when = when;
        self
    }

    /// Whether there is a queue, which has to be told the values.
    #[doc(hidden)]
    pub fn asks(&mut self) -> bool {
        let Pending { site, cache, batch, .. } = &mut self.pending;
        if batch.is_some() {
            return false;
        }
        let found = cache.take().or_else(|| Cache::current(site));
        *cache = found.filter(|cache| cache.inner().store().is_some());
        cache.is_some()
    }

    /// The next value.
    #[doc(hidden)]
    pub fn value(&mut self, value: &T, key: impl Into<Key>) {
        let Some(cache) = &self.pending.cache else { return };
        let key = key.into();
        let form = self.kept.form(self.pending.site, cache.inner().encoding.codec);
        let payload = self.kept.encode(form.codec, value);
        self.pending.unfit |= payload.is_none() || !key.usable();
        let payload = payload.unwrap_or_default().into();
        self.pending.items.push(Item { key, tags: Vec::new(), form, ttl: None, payload });
    }

    /// Takes its time to live from it.
    #[doc(hidden)]
    pub fn ttl<L: IntoTtl>(&mut self, value: &T, ttl: impl FnOnce(&T) -> L) {
        if let Some(item) = self.pending.items.last_mut() {
            item.ttl = Some(ttl(value).into_ttl());
        }
    }

    /// One of its tags.
    #[doc(hidden)]
    pub fn tag(&mut self, tag: impl Into<Key>) {
        let tag = tag.into();
        self.pending.unfit |= !tag.usable();
        if let Some(item) = self.pending.items.last_mut() {
            item.tags.push(tag);
        }
    }
}

/// What a function that is written behind may return.
#[diagnostic::on_unimplemented(
    message = "a function that is written behind cannot return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "the call returns before the body has run, so there is nothing to return: write `Result<(), E>`, or leave the return type out"
)]
pub trait Acknowledgement {
    /// It.
    fn acknowledged() -> Self;
}

impl Acknowledgement for () {
    fn acknowledged() -> Self {}
}

/// Gives a call its function's return type.
#[doc(hidden)]
pub fn behind<T, S>(behind: Behind<T>, _: S) -> TypedBehind<S>
where
    S: Shape,
    S::Written: Acknowledgement,
{
    let acknowledged = || S::join(S::Written::acknowledged());
    TypedBehind { pending: Some(behind.pending), acknowledged, full: None, through: None, shape: PhantomData }
}

/// An error that can say that the queue is full.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that the queue is full",
    label = "not `From<cached_runtime::Error>`",
    note = "with `on_full = error` a call returns an `Err` when the queue is full: write `impl From<cached_runtime::Error>` for the error type, or `on_full = write_through`"
)]
pub trait Refusal: From<Error> {}

#[diagnostic::do_not_recommend]
impl<E: From<Error>> Refusal for E {}

/// `on_full = error`
#[doc(hidden)]
pub fn refusing<S>(behind: TypedBehind<S>) -> TypedBehind<S>
where
    S: Shape,
    S::Error: Refusal,
{
    TypedBehind { full: Some(|| S::fail(Error::QueueFull.into())), ..behind }
}

/// A call that knows what its function returns.
pub struct TypedBehind<S: Shape> {
    pending: Option<Pending>,
    acknowledged: fn() -> S::Out,
    full: Option<fn() -> Option<S::Out>>,
    through: Option<Through>,
    shape: PhantomData<fn() -> S>,
}

/// Why the body runs in the call, or does not.
enum Verdict {
    Acknowledged,
    Refused,
    Through(Option<Through>),
}

impl<S: Shape> TypedBehind<S> {
    /// What the call returns, where the queue has taken its values or must not.
    pub async fn accept(&mut self) -> Option<S::Out> {
        let pending = self.pending.as_mut()?;
        if pending.batch.is_some() {
            return None;
        }
        match pending.accept().await {
            Verdict::Acknowledged => Some((self.acknowledged)()),
            Verdict::Refused => self.full.and_then(|full| full()),
            Verdict::Through(through) => {
                self.through = through;
                None
            }
        }
    }

    /// The body, which can ask what it writes.
    pub fn run<F: Future<Output = S::Out>>(&mut self, body: F) -> impl Future<Output = S::Out> + use<S, F> {
        let ids = self.pending.take().and_then(|pending| pending.batch).unwrap_or_default();
        batch::with_ids(ids, body)
    }

    /// Takes what the body returned. `Err` gives it back where it failed.
    pub fn settle(&mut self, out: S::Out) -> Result<S::Written, S::Out> {
        S::succeed(out).inspect_err(|_| {
            if let Some(through) = &mut self.through {
                through.failed();
            }
        })
    }

    /// The body has written what the queue has not taken.
    pub async fn finish(&mut self) {
        if let Some(mut through) = self.through.take() {
            InRuntime::new(through.finish()).await;
        }
    }

    /// The output again.
    pub fn give(self, written: S::Written) -> S::Out {
        S::join(written)
    }
}

impl Pending {
    async fn accept(&mut self) -> Verdict {
        let Some(cache) = &self.cache else { return Verdict::Through(None) };
        if self.items.is_empty() {
            return Verdict::Acknowledged;
        }
        let items = std::mem::take(&mut self.items);
        let known = batch::sole(self.site, self.queue);
        let queued = self.when && !self.unfit && known && !Transaction::is_open(cache.inner());
        if !queued {
            let keys = items.into_iter().map(|item| item.key).collect();
            return Verdict::Through(Some(self.queue.through(self.site, cache, keys).await));
        }
        match self.queue.accept(self.site, cache, items).await {
            Accepted::Queued => Verdict::Acknowledged,
            Accepted::Full => Verdict::Refused,
            Accepted::Through(through) => Verdict::Through(Some(through)),
        }
    }
}
