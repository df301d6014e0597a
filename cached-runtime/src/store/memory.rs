//! Entries in this process: the same semantics as Redis, leases included.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::{Observed, Placeholder, Reply, Store};

/// A bounded store. Eviction is a deletion like any other, so it can never make anything stale.
pub(crate) struct MemoryStore {
    entries: Cache<String, Held, ByBytes>,
    stripes: [Stripe; 64],
    hasher: RandomState,
}

#[derive(Clone)]
struct Held {
    bytes: Bytes,
    expires: Option<Instant>,
}

/// Compare-and-set needs a lock per key; a stripe of keys shares one.
#[derive(Default)]
struct Stripe {
    writing: Mutex<()>,
    /// Tells the stripe's waiters that one of its keys changed.
    changed: Notify,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Held> for ByBytes {
    fn weight(&self, key: &String, held: &Held) -> u64 {
        // An entry's own overhead, roughly: the map's slot, two allocations.
        (key.len() + held.bytes.len() + 96) as u64
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// A store of at most `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let typical_entry = 512;
        let entries = usize::try_from(capacity / typical_entry).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        Self {
            entries: Cache::with_weighter(entries, capacity, ByBytes),
            stripes: std::array::from_fn(|_| Stripe::default()),
            hasher: RandomState::new(),
        }
    }

    fn stripe(&self, key: &str) -> &Stripe {
        &self.stripes[usize::try_from(self.hasher.hash_one(key) % 64).unwrap_or(0)]
    }

    fn live(&self, key: &str) -> Option<Bytes> {
        let held = self.entries.get(key)?;
        held.expires.is_none_or(|at| Instant::now() < at).then_some(held.bytes)
    }

    fn set(&self, key: &str, bytes: Bytes, px: Option<Duration>) {
        let expires = px.and_then(|px| Instant::now().checked_add(px));
        self.entries.insert(key.to_owned(), Held { bytes, expires });
    }

    /// Runs one atomic step on the key's stripe; a step that changed something wakes the waiters.
    fn step<T>(&self, key: &str, step: impl FnOnce(Option<Bytes>) -> (T, bool)) -> T {
        let stripe = self.stripe(key);
        let _writing: MutexGuard<'_, ()> = stripe.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (result, changed) = step(self.live(key));
        if changed {
            stripe.changed.notify_waiters();
        }
        result
    }

    /// One atomic step if the key begins with `prefix`.
    fn replace(&self, key: &str, prefix: &[u8], replace: impl FnOnce()) -> bool {
        self.step(key, |held| {
            let matches = held.is_some_and(|bytes| match prefix {
                // Observed empty, so it must still be.
                [] => bytes.is_empty(),
                _ => bytes.starts_with(prefix),
            });
            if matches {
                replace();
            }
            (matches, matches)
        })
    }
}

fn ready<'s, T: Send + 's>(value: T) -> Reply<'s, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Store for MemoryStore {
    fn acquire<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, Option<Bytes>> {
        // A hit takes no stripe: reading is atomic in itself.
        ready(self.live(key).or_else(|| {
            self.step(key, |held| {
                let free = held.is_none();
                if free {
                    self.set(key, Bytes::copy_from_slice(lease), Some(px));
                }
                (held, free)
            })
        }))
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        ready(self.live(key))
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, value: Bytes, px: Option<Duration>) -> Reply<'s, bool> {
        ready(self.replace(key, lease, || self.set(key, value, px)))
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        ready(self.replace(key, lease, || match marker {
            Some((marker, px)) => self.set(key, marker.into(), Some(px)),
            None => {
                self.entries.remove(key);
            }
        }))
    }

    fn renew<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        ready(self.replace(key, lease, || self.set(key, Bytes::copy_from_slice(lease), Some(px))))
    }

    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool> {
        ready(match observed {
            Observed::Prefix(prefix) => {
                self.replace(key, prefix, || self.set(key, Bytes::copy_from_slice(lease), Some(px)))
            }
            // Memory holds nothing but entries.
            Observed::ForeignKind => false,
        })
    }

    fn put<'s>(&'s self, key: &'s str, value: Bytes, px: Option<Duration>) -> Reply<'s, ()> {
        self.step(key, |_| {
            self.set(key, value, px);
            ((), true)
        });
        ready(())
    }

    fn delete<'s>(&'s self, key: &'s str) -> Reply<'s, ()> {
        self.step(key, |_| {
            self.entries.remove(key);
            ((), true)
        });
        ready(())
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            loop {
                let mut changed = std::pin::pin!(self.stripe(key).changed.notified());
                changed.as_mut().enable();
                before_read();
                let held = self.live(key);
                if held.as_ref().is_none_or(|bytes| !bytes.starts_with(lease)) || Instant::now() >= until {
                    return Ok(held);
                }
                let expires = self.entries.get(key).and_then(|held| held.expires).unwrap_or(until);
                let _ = timeout_at(expires.min(until), changed).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Before, lease};
    use crate::token::Token;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn only_the_lease_that_is_held_fills_renews_and_releases() {
        let store = MemoryStore::new(1 << 20);
        let (mine, other) = (lease(&Token::fresh(), Before::Nothing), lease(&Token::fresh(), Before::Nothing));
        assert_eq!(store.acquire("k", &mine, LONG).await, Ok(None));
        assert_eq!(store.acquire("k", &other, LONG).await, Ok(Some(Bytes::copy_from_slice(&mine))));
        assert_eq!(store.fill("k", &other, "v".into(), None).await, Ok(false));
        assert_eq!(store.renew("k", &other, LONG).await, Ok(false));
        assert_eq!(store.release("k", &other, None).await, Ok(false));
        assert_eq!(store.fill("k", &mine, "v".into(), None).await, Ok(true));
        assert_eq!(store.get("k").await, Ok(Some("v".into())));
        assert_eq!(store.fill("k", &mine, "w".into(), None).await, Ok(false));
        assert_eq!(store.renew("k", &mine, LONG).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_by_itself_and_its_waiter_wakes() {
        let store = MemoryStore::new(1 << 20);
        let mine = lease(&Token::fresh(), Before::Nothing);
        store.acquire("k", &mine, Duration::from_millis(300)).await.unwrap();
        let began = Instant::now();
        assert_eq!(store.wait("k", &mine, began + LONG, &|| ()).await, Ok(None));
        assert_eq!(began.elapsed().as_millis(), 300);
        assert_eq!(store.fill("k", &mine, "late".into(), None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_waiter_wakes_when_the_value_comes() {
        let store = MemoryStore::new(1 << 20);
        let mine = lease(&Token::fresh(), Before::Nothing);
        store.acquire("k", &mine, LONG).await.unwrap();
        let (seen, _) = tokio::join!(
            store.wait("k", &mine, Instant::now() + LONG, &|| ()),
            store.fill("k", &mine, "v".into(), Some(LONG)),
        );
        assert_eq!(seen, Ok(Some("v".into())));
    }
}
