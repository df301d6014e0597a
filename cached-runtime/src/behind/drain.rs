//! What makes a worker of an annotated function: how it is called with values that were queued.

use std::any::type_name;
use std::sync::Arc;

use super::batch::Batch;
use super::kept::{Kept, Reason};
use super::worker::WriteBehind;
use super::{WriteId, batch};
use crate::cache::{Cache, IntoCache};
use crate::error::Error;
use crate::outcome::Shape;
use crate::queue::{self, Failed, Queue};
use crate::site::Site;

/// What drains a queue, before it is said how.
#[derive(Debug)]
pub struct Drain {
    site: &'static Site,
    queue: &'static Queue,
    cache: Option<Cache>,
}

/// What the worker takes along, and has for as long as it lives.
#[diagnostic::on_unimplemented(
    message = "a worker cannot take along a `{Self}`",
    label = "not `Clone + Send + Sync + 'static`",
    note = "the worker is a task of its own, which calls the body with a clone of this for every batch: derive `Clone` on it, or take an `Arc` of it"
)]
pub trait Along: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<A: Clone + Send + Sync + 'static> Along for A {}

/// One call's own.
#[doc(hidden)]
pub fn along<A: Along>(argument: &A) -> A {
    argument.clone()
}

/// What a method's worker has of the method's `self`.
#[derive(Debug)]
pub struct This<A> {
    this: A,
    another: fn(&A) -> A,
}

/// Asks whether it can be taken along, once for all.
#[doc(hidden)]
pub fn taken<A: Along>(this: &A) -> This<A> {
    This { this: this.clone(), another: A::clone }
}

impl<A> This<A> {
    /// One call's own.
    pub fn one(&self) -> A {
        (self.another)(&self.this)
    }
}

impl Drain {
    #[doc(hidden)]
    pub fn new(site: &'static Site, queue: &'static Queue) -> Self {
        Self { site, queue, cache: None }
    }

    #[doc(hidden)]
    pub fn cache(mut self, cache: impl IntoCache) -> Self {
        self.cache = Some(cache.into_cache());
        self
    }

    /// The worker that calls the function.
    #[doc(hidden)]
    pub fn by<S, T, F>(
        self,
        kept: Kept<T>,
        reason: Reason<S>,
        call: impl Fn(Vec<T>) -> F + Send + Sync + 'static,
    ) -> WriteBehind
    where
        S: Shape + 'static,
        T: Send + 'static,
        F: Future<Output = S::Out> + Send + 'static,
    {
        let Self { site, queue, cache } = self;
        let Reason(tell) = reason;
        let write = move |batch: queue::Batch| {
            // What this build made of it, a later one would read as its own. A worker of the newer build writes it.
            let newer = batch.items.iter().any(|item| item.version > site.policy.version);
            let mut unreadable = Vec::new();
            let mut values = Vec::with_capacity(batch.items.len());
            let mut ids = Vec::with_capacity(batch.items.len());
            for (index, item) in batch.items.iter().enumerate() {
                match kept.decode(site, item.form, &item.payload) {
                    Some(value) => {
                        values.push(value);
                        ids.push(WriteId::from(item.id));
                    }
                    None => unreadable.push(index),
                }
            }
            let called = (!newer && unreadable.is_empty()).then(|| Batch::new(queue, ids).scope(call(values)));
            async move {
                if newer {
                    return Err(Failed { newer, ..Failed::default() });
                }
                let Some(called) = called else {
                    let reason = format!("it does not read as a `{}`, as this build has it", type_name::<T>());
                    return Err(Failed::unreadable(unreadable, reason));
                };
                // The error is told before anything else is awaited: it need not be `Send`.
                match S::succeed(called.await) {
                    Ok(_) => Ok(()),
                    Err(out) => Err(Failed::because(S::error(&out).map(tell).unwrap_or_default())),
                }
            }
        };
        let write: queue::Body = Arc::new(move |batch| Box::pin(write(batch)));
        WriteBehind { site, queue, cache, write }
    }
}

impl WriteBehind {
    /// The error of a queue whose name another function has too.
    pub(super) fn sole(&self) -> Result<(), Error> {
        if batch::sole(self.site, self.queue) {
            return Ok(());
        }
        Err(Error::Setting(format!(
            "two functions queue under the name `{}`: give one of them another with `queue = \"...\"`",
            self.queue.name
        )))
    }
}
