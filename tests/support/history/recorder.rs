//! A store that writes down what the store underneath says about leases and values.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::store::{Bytes, Observed, Placeholder, Reply, Store};
use tokio::time::Instant;

use super::event::What;
use super::log::Log;
use super::rows::Row;

/// Between the runtime and its store.
#[derive(Debug)]
pub struct Recorder {
    store: Arc<dyn Store>,
    log: Log,
}

impl Recorder {
    /// For `Builder::wrap_store`.
    pub fn wrap(log: Log) -> impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static {
        move |store| Arc::new(Self { store, log: log.clone() })
    }

    fn note(&self, key: &str, what: What) {
        if let Some(key) = Row::number(key) {
            self.log.add(0, key, what);
        }
    }

    /// Runs an operation that ends whatever lease there is.
    async fn clearing<T>(&self, key: &str, run: Reply<'_, T>) -> Result<T, cached_runtime::store::StoreError> {
        // Says on drop that nobody knows: the caller may go away while the command is on its way.
        struct Clearing<'r>(&'r Recorder, &'r str, What);
        impl Drop for Clearing<'_> {
            fn drop(&mut self) {
                self.0.note(self.1, self.2);
            }
        }
        self.note(key, What::Clearing);
        let mut clearing = Clearing(self, key, What::PerhapsCleared);
        let answer = run.await;
        if answer.is_ok() {
            clearing.2 = What::Cleared;
        }
        answer
    }
}

/// A short name for a lease.
fn name(lease: &Placeholder) -> u64 {
    let (process, counter) = lease[2..].split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number(process).rotate_left(32) ^ number(counter).swap_bytes()
}

/// A lease counts for as long as this can say.
fn millis(px: Duration) -> u16 {
    u16::try_from(px.as_millis()).unwrap_or(u16::MAX)
}

impl Store for Recorder {
    fn acquire<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            let asked = self.log.now();
            let held = self.store.acquire(key, lease, px).await?;
            if held.is_none() {
                self.note(key, What::Leased { token: name(lease), asked, millis: millis(px) });
            }
            Ok(held)
        })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        self.store.get(key)
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, value: Bytes, px: Option<Duration>) -> Reply<'s, bool> {
        Box::pin(async move {
            let version = Row::version_in(&value);
            self.note(key, What::GivenUp { token: name(lease) });
            let filled = self.store.fill(key, lease, value, px).await?;
            if let (true, Some(version)) = (filled, version) {
                self.note(key, What::Stored { version, token: name(lease) });
            }
            Ok(filled)
        })
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        Box::pin(async move {
            self.note(key, What::GivenUp { token: name(lease) });
            self.store.release(key, lease, marker).await
        })
    }

    fn renew<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        Box::pin(async move {
            let asked = self.log.now();
            let renewed = self.store.renew(key, lease, px).await?;
            if renewed {
                self.note(key, What::Renewed { token: name(lease), asked, millis: millis(px) });
            }
            Ok(renewed)
        })
    }

    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool> {
        Box::pin(async move {
            let asked = self.log.now();
            let taken = self.store.takeover(key, observed, lease, px).await?;
            if taken {
                self.note(key, What::Leased { token: name(lease), asked, millis: millis(px) });
            }
            Ok(taken)
        })
    }

    fn put<'s>(&'s self, key: &'s str, value: Bytes, px: Option<Duration>) -> Reply<'s, ()> {
        Box::pin(self.clearing(key, self.store.put(key, value, px)))
    }

    fn delete<'s>(&'s self, key: &'s str) -> Reply<'s, ()> {
        Box::pin(self.clearing(key, self.store.delete(key)))
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        self.store.wait(key, lease, until, before_read)
    }
}
