//! A store around the real one that does one thing wrong, or one thing late.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::store::{Bytes, Observed, Placeholder, Reply, Store};
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
    fn acquire<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, Option<Bytes>> {
        self.store.acquire(key, lease, px)
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        self.store.get(key)
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, value: Bytes, px: Option<Duration>) -> Reply<'s, bool> {
        match self.fault {
            Fault::UnconditionalFill => Box::pin(async move { self.store.put(key, value, px).await.map(|()| true) }),
            Fault::HearsLate(_) => self.store.fill(key, lease, value, px),
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

    fn renew<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        self.store.renew(key, lease, px)
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

    fn put<'s>(&'s self, key: &'s str, value: Bytes, px: Option<Duration>) -> Reply<'s, ()> {
        self.store.put(key, value, px)
    }

    fn delete<'s>(&'s self, key: &'s str) -> Reply<'s, ()> {
        self.store.delete(key)
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
}
