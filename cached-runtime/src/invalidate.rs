//! Invalidations: of keys, of tags, of everything. All of them are deletions, after the database has committed.
//!
//! A deletion removes the value or revokes the lease, so that a load which read the database before it cannot store what
//! it read. Sent before the commit it would do neither for a load that comes in between (5 steps; 34,130 stale reads in
//! 10 s).

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep};

use crate::background::{self, Entered, InRuntime};
use crate::cache::{Cache, Inner};
use crate::error::Error;
use crate::event;
use crate::key::{Key, ToKey};
use crate::operation::Operation;
use crate::policy::Policy;
use crate::site::Site;
use crate::stamp::CLEARED;
use crate::stats::Counters;
use crate::store::{Store, StoreError};
use crate::transaction::Transaction;

impl Cache {
    /// Removes the entry. Once this returned `Ok`, no call that starts later, in any process, gets the old value: a
    /// load that is running now cannot store what it has read.
    ///
    /// Call it after the database has committed. Within a [transaction](Self::transaction) it waits for the commit.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused. The invalidation is queued then: this process serves nothing under the key
    /// before it was delivered, others may.
    pub async fn invalidate(&self, key: impl ToKey) -> Result<(), Error> {
        let key = self.usable(&key)?;
        self.inner().invalidate(vec![key]).await.map_err(Error::from)
    }

    /// Invalidates everything that was stored with this tag, however much that is, by one deletion. The promise is that
    /// of [`invalidate`](Self::invalidate).
    ///
    /// ```
    /// # use cached_runtime::{Cache, cached, key};
    /// #[cached(key = "user:<id>", tag = "org:<org>", ttl = 3600)]
    /// async fn find_user(org: i64, id: i64) -> Option<String> {
    ///     Some(format!("user {id} of {org}"))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cached_runtime::Error> {
    /// # let cache = Cache::in_memory();
    /// # let org = 7;
    /// cache.invalidate_tag(&key!("org:<org>")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, tag: impl ToKey) -> Result<(), Error> {
        let tag = tag.to_key();
        if !tag.usable() {
            return Err(Error::Unhashable);
        }
        let key = self.inner().tag_key(&tag);
        self.inner().invalidate(vec![key]).await.map_err(Error::from)
    }

    /// Invalidates everything under this cache's prefix, by one deletion (in a cluster three); what it held expires or is overwritten in
    /// time. The promise is that of [`invalidate`](Self::invalidate).
    ///
    /// Over Redis this takes a second: so long may another process rely on what it last read about the prefix.
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn clear(&self) -> Result<(), Error> {
        let epoch = self.inner().epoch.keys().cloned().collect();
        self.inner().invalidate(epoch).await.map_err(Error::from)
    }
}

impl Inner {
    /// Invalidates now, or with the commit of the transaction that the caller is in.
    pub(crate) async fn invalidate(self: &Arc<Self>, keys: Vec<Arc<str>>) -> Result<(), StoreError> {
        static SITE: Site = Site::new("invalidate", file!(), line!(), "", Policy::never());
        if Transaction::inside(self).is_some_and(|inside| inside.queue(&keys)) {
            return Ok(());
        }
        self.deliver(&keys, self.stats.of(&SITE)).await
    }

    /// Deletes keys, of whatever kind; what the store does not acknowledge is queued.
    pub(crate) async fn deliver(self: &Arc<Self>, keys: &[Arc<str>], counters: &Counters) -> Result<(), StoreError> {
        // Disabled: nothing is stored, so nothing is stale.
        let Some(store) = self.store().filter(|_| !keys.is_empty()) else { return Ok(()) };
        self.written(keys);
        InRuntime::new(async move {
            let before: Vec<_> = keys.iter().flat_map(|key| self.flights.of(key)).collect();
            let sent = Instant::now();
            let answers = store.delete_each(keys).await;
            self.operations.took(Operation::Invalidate, sent);
            let answers = answers.unwrap_or_else(|error| vec![Err(error); keys.len()]);
            for (key, flight) in before {
                self.flights.detach(&key, &flight);
            }
            let (done, failed): (Vec<_>, Vec<_>) = keys.iter().zip(&answers).partition(|(_, answer)| answer.is_ok());
            let of = |keys: &[(&Arc<str>, _)]| keys.iter().map(|(key, _)| Arc::clone(key)).collect::<Vec<_>>();
            if !done.is_empty() {
                counters.invalidations.add_many(done.len());
                self.acknowledged(&of(&done), &store);
            }
            let deleted = match failed.first() {
                Some((_, Err(error))) => {
                    self.undelivered(&of(&failed), &store, counters, error);
                    Err(error.clone())
                }
                _ => Ok(()),
            };
            if self.epoch.keys().any(|epoch| keys.contains(epoch)) {
                self.epoch.forget();
                if deleted.is_ok() && store.shared() {
                    sleep(CLEARED).await;
                    // What was asked before the deletion may have been answered since.
                    self.epoch.forget();
                }
            }
            deleted
        })
        .await
    }

    /// Remembers what the store acknowledged, for the one that takes its place.
    pub(crate) fn acknowledged(&self, keys: &[Arc<str>], store: &Arc<dyn Store>) {
        // The server tells us too, but after its answer.
        self.forget(keys);
        if store.shared() {
            self.undelivered.acknowledged(keys);
        }
    }

    pub(crate) fn undelivered(
        &self,
        keys: &[Arc<str>],
        store: &Arc<dyn Store>,
        counters: &Counters,
        error: &StoreError,
    ) {
        counters.undelivered.add_many(keys.len());
        if self.undelivered.add(keys, store) {
            event::warning!(
                "cache: an invalidation was not delivered ({error:?}); until it is, this process serves nothing under \
                 its keys, others may"
            );
        }
        self.forget(keys);
        // One that took off meanwhile may still bring what is stored, and would share it with whoever comes now.
        for key in keys {
            for (name, flight) in self.flights.of(key) {
                self.flights.detach(&name, &flight);
            }
        }
    }

    /// The store's names of keys and tags.
    pub(crate) fn store_keys(&self, keys: &[Key], tags: &[Key]) -> Vec<Arc<str>> {
        keys.iter().map(|key| self.store_key(key)).chain(tags.iter().map(|tag| self.tag_key(tag))).collect()
    }
}

/// Keys that are deleted, come what may: dropped before the store was told, this tells it all the same.
#[derive(Debug)]
pub(crate) struct Delivery {
    cache: Arc<Inner>,
    counters: Arc<Counters>,
    keys: Vec<Arc<str>>,
    /// Whose connection to use. `None`: there is no runtime at all.
    runtime: Option<Handle>,
}

impl Delivery {
    pub(crate) fn of(cache: &Arc<Inner>, counters: &Arc<Counters>, keys: Vec<Arc<str>>) -> Self {
        Self { cache: Arc::clone(cache), counters: Arc::clone(counters), keys, runtime: background::here() }
    }

    /// In this runtime, whoever drops it.
    pub(crate) fn on(mut self, runtime: &Handle) -> Self {
        self.runtime = Some(runtime.clone());
        self
    }

    pub(crate) async fn deliver(&mut self) -> Result<(), StoreError> {
        let delivered = self.cache.deliver(&self.keys, &self.counters).await;
        // Told, or queued.
        self.keys.clear();
        delivered
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.keys.is_empty()) else { return };
        let (cache, counters) = (Arc::clone(&self.cache), Arc::clone(&self.counters));
        let keys = std::mem::take(&mut self.keys);
        let mut delivery = Box::pin(unconstrained(async move {
            let _queued = cache.deliver(&keys, &counters).await;
        }));
        // Polled once here, so that it is on its way before whatever this task sends next.
        let _runtime = Entered::into(runtime);
        if delivery.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending {
            runtime.spawn(delivery);
        }
    }
}
