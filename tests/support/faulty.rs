//! A store around the real one that does one thing wrong, or one thing late.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::store::{Acquired, Ask, Bytes, Filling, Observed, Placeholder, Reply, Stamp, Store};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What is wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A fill writes its value whatever the key holds by now: the stale set that leases are there to prevent.
    UnconditionalFill,
    /// Whoever waits for a lease hears of its end only with a permit, and then reads what the key holds by then, as a
    /// process does whose turn on the processor comes late.
    HearsLate(Arc<Semaphore>),
}

/// The real store, but for its fault.
#[derive(Debug)]
pub struct Faulty {
    store: Arc<dyn Store>,
    fault: Fault,
}

impl Faulty {
    /// For `Builder::wrap_store`.
    pub fn wrap(fault: Fault) -> impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static {
        move |store| Arc::new(Self { store, fault: fault.clone() })
    }
}

impl Store for Faulty {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        self.store.acquire(key, lease, px, asks)
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        self.store.get(key)
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        self.store.stamps(asks)
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        match self.fault {
            Fault::UnconditionalFill => Box::pin(async move { self.store.put(key, filling).await.map(|()| true) }),
            Fault::HearsLate(_) => self.store.fill(key, lease, filling),
        }
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        self.store.release(key, lease, marker)
    }

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        self.store.renew(key, held, px)
    }

    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool> {
        self.store.takeover(key, observed, lease, px)
    }

    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>> {
        self.store.write_begin(keys, marker, px, asks)
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        self.store.write_end(key, marker, filling)
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        self.store.put(key, filling)
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        self.store.delete(keys)
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        match &self.fault {
            Fault::UnconditionalFill => self.store.wait(key, lease, until, before_read),
            Fault::HearsLate(permits) => Box::pin(async move {
                self.store.wait(key, lease, until, before_read).await?;
                permits.acquire().await.expect("never closed").forget();
                before_read();
                self.store.get(key).await
            }),
        }
    }

    fn shared(&self) -> bool {
        self.store.shared()
    }
}
