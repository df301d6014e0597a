//! Entries in this process: the same semantics as Redis, leases included.

mod queues;

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, Weighter};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::entry::{IDENTITY, Turn, is_queued, turned};
use crate::stamp::SLACK;

use super::{Acquired, Ask, Filling, Listener, Observed, Placeholder, Pulse, Queues, Reply, Stamp, Store, Tracked};

/// A bounded store. Eviction is a deletion like any other, so it can never make anything stale.
pub(crate) struct MemoryStore {
    entries: Cache<String, Held, ByBytes, RandomState, Pinning>,
    stripes: [Stripe; 64],
    hasher: RandomState,
    /// Of every change, once somebody asked to be told.
    listener: OnceLock<Weak<dyn Listener>>,
    pulse: Arc<Pulse>,
    queues: queues::Held,
}

/// What is queued for the database is not evicted: readers would load the row that it is about to replace.
#[derive(Clone, Debug)]
struct Pinning;

impl Lifecycle<String, Held> for Pinning {
    type RequestState = ();

    fn is_pinned(&self, _: &String, held: &Held) -> bool {
        is_queued(&held.bytes)
    }

    fn begin_request(&self) {}

    fn on_evict(&self, (): &mut (), _: String, _: Held) {}
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
            entries: Cache::with(entries, capacity, ByBytes, RandomState::new(), Pinning),
            stripes: std::array::from_fn(|_| Stripe::default()),
            hasher: RandomState::new(),
            listener: OnceLock::new(),
            pulse: Arc::new(Pulse::steady()),
            queues: queues::Held::default(),
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

    /// Lets the stamps outlive the entry that carries them. After the entry's own step: a stripe is never taken inside
    /// of another.
    fn outlive(&self, filling: &Filling) {
        for tag in &filling.tags {
            self.extend(tag, filling.px.and_then(|px| px.checked_add(SLACK)));
        }
    }

    fn extend(&self, key: &str, px: Option<Duration>) {
        let expires = px.and_then(|px| Instant::now().checked_add(px));
        self.step(key, |held| {
            let until = self.entries.get(key).and_then(|held| held.expires);
            if let Some(bytes) = held
                && until.is_some_and(|at| expires.is_none_or(|expires| at < expires))
            {
                self.entries.insert(key.to_owned(), Held { bytes, expires });
            }
            ((), false)
        });
    }

    fn read_stamps(&self, asks: &[Ask]) -> Vec<Option<Stamp>> {
        let read = |ask: &Ask| {
            let held = self.live(&ask.key).or_else(|| {
                self.step(&ask.key, |held| {
                    if held.is_none() {
                        self.set(&ask.key, Bytes::copy_from_slice(&ask.fresh.to_le_bytes()), Some(ask.px));
                    }
                    (held, false)
                })
            });
            if ask.extend {
                self.extend(&ask.key, Some(ask.px));
            }
            match held {
                None => Some(ask.fresh),
                Some(bytes) => bytes[..].try_into().ok().map(Stamp::from_le_bytes),
            }
        };
        asks.iter().map(read).collect()
    }

    /// Runs one atomic step on the key's stripe; a step that changed something wakes the waiters.
    fn step<T>(&self, key: &str, step: impl FnOnce(Option<Bytes>) -> (T, bool)) -> T {
        let stripe = self.stripe(key);
        let _writing: MutexGuard<'_, ()> = stripe.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (result, changed) = step(self.live(key));
        if changed {
            if let Some(listener) = self.listener.get().and_then(Weak::upgrade) {
                listener.changed(key.as_bytes());
            }
            stripe.changed.notify_waiters();
        }
        result
    }

    /// Takes the place of whatever the key holds, but for what is queued: that stays, and goes once the database has it.
    /// False: it stays.
    fn displace(&self, key: &str, displace: impl FnOnce()) -> bool {
        self.step(key, |held| {
            let queued = held.filter(|held| is_queued(held));
            let displaces = queued.is_none();
            match queued {
                Some(held) => self.set(key, turned(&held, Turn::Gone), None),
                None => displace(),
            }
            (displaces, true)
        })
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
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        let stamps = self.read_stamps(asks);
        // A hit takes no stripe: reading is atomic in itself.
        let held = self.live(key).or_else(|| {
            self.step(key, |held| {
                let free = held.is_none();
                if free {
                    self.set(key, Bytes::copy_from_slice(lease), Some(px));
                }
                (held, free)
            })
        });
        ready(Acquired { held, stamps })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        ready(self.live(key))
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        ready(self.read_stamps(asks))
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        let filled = self.replace(key, lease, || self.set(key, filling.value.clone(), filling.px));
        self.outlive(filling);
        ready(filled)
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

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        ready(self.replace(key, held, || self.set(key, Bytes::copy_from_slice(held), Some(px))))
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

    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool> {
        let refilled = self.replace(key, replaces, || self.set(key, filling.value.clone(), filling.px));
        self.outlive(filling);
        ready(refilled)
    }

    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>> {
        for key in keys {
            self.displace(key, || self.set(key, Bytes::copy_from_slice(marker), Some(px)));
        }
        ready(self.read_stamps(asks))
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        let stored = self.replace(key, marker, || self.set(key, filling.value.clone(), filling.px));
        if !stored {
            self.displace(key, || drop(self.entries.remove(key)));
        }
        self.outlive(filling);
        ready(stored)
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        self.displace(key, || self.set(key, filling.value.clone(), filling.px));
        ready(())
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        for key in keys {
            self.displace(key, || drop(self.entries.remove(&**key)));
        }
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

    fn track<'s>(&'s self, keys: &'s [Arc<str>], listener: &'s Arc<dyn Listener>) -> Reply<'s, Vec<Option<Tracked>>> {
        self.listener.get_or_init(|| Arc::downgrade(listener));
        // Evicted is not changed: what was right to serve still is. That its time is over the reader is told beforehand.
        let track = |key: &Arc<str>| {
            let held = self.entries.get(&**key).filter(|held| held.expires.is_none_or(|at| Instant::now() < at));
            let left = held.as_ref().and_then(|held| held.expires).map(|at| at - Instant::now());
            let begins = held.map(|held| held.bytes.slice(..held.bytes.len().min(IDENTITY))).unwrap_or_default();
            Some(Tracked { begins, left, pulse: Arc::clone(&self.pulse) })
        };
        ready(keys.iter().map(track).collect())
    }

    fn shared(&self) -> bool {
        false
    }

    fn queues(&self) -> Option<&dyn Queues> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Before, lease, writer};
    use crate::token::Token;

    const LONG: Duration = Duration::from_secs(60);

    async fn acquire(store: &MemoryStore, lease: &Placeholder, px: Duration) -> Option<Bytes> {
        store.acquire("k", lease, px, &[]).await.unwrap().held
    }

    fn filling(value: &'static str) -> Filling {
        Filling { value: value.into(), px: Some(LONG), tags: Vec::new() }
    }

    #[tokio::test]
    async fn only_the_lease_that_is_held_fills_renews_and_releases() {
        let store = MemoryStore::new(1 << 20);
        let (mine, other) = (lease(&Token::fresh(), Before::Nothing), lease(&Token::fresh(), Before::Nothing));
        assert_eq!(acquire(&store, &mine, LONG).await, None);
        assert_eq!(acquire(&store, &other, LONG).await, Some(Bytes::copy_from_slice(&mine)));
        assert_eq!(store.fill("k", &other, &filling("v")).await, Ok(false));
        assert_eq!(store.renew("k", &other, LONG).await, Ok(false));
        assert_eq!(store.release("k", &other, None).await, Ok(false));
        assert_eq!(store.fill("k", &mine, &filling("v")).await, Ok(true));
        assert_eq!(store.get("k").await, Ok(Some("v".into())));
        assert_eq!(store.fill("k", &mine, &filling("w")).await, Ok(false));
        assert_eq!(store.renew("k", &mine, LONG).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_by_itself_and_its_waiter_wakes() {
        let store = MemoryStore::new(1 << 20);
        let mine = lease(&Token::fresh(), Before::Nothing);
        acquire(&store, &mine, Duration::from_millis(300)).await;
        let began = Instant::now();
        assert_eq!(store.wait("k", &mine, began + LONG, &|| ()).await, Ok(None));
        assert_eq!(began.elapsed().as_millis(), 300);
        assert_eq!(store.fill("k", &mine, &filling("late")).await, Ok(false));
    }

    #[tokio::test]
    async fn a_waiter_wakes_when_the_value_comes() {
        let store = MemoryStore::new(1 << 20);
        let mine = lease(&Token::fresh(), Before::Nothing);
        acquire(&store, &mine, LONG).await;
        let value = filling("v");
        let (seen, _) =
            tokio::join!(store.wait("k", &mine, Instant::now() + LONG, &|| ()), store.fill("k", &mine, &value));
        assert_eq!(seen, Ok(Some("v".into())));
    }

    #[tokio::test]
    async fn a_write_ends_with_its_value_or_with_nothing() {
        let store = MemoryStore::new(1 << 20);
        let keys = [Arc::from("k")];
        let (one, two) = (writer(&Token::fresh()), writer(&Token::fresh()));
        store.write_begin(&keys, &one, LONG, &[]).await.unwrap();
        assert_eq!(store.write_end("k", &one, &filling("1")).await, Ok(true));
        assert_eq!(store.get("k").await, Ok(Some("1".into())));
        store.write_begin(&keys, &one, LONG, &[]).await.unwrap();
        store.write_begin(&keys, &two, LONG, &[]).await.unwrap();
        assert_eq!(store.write_end("k", &one, &filling("1")).await, Ok(false));
        assert_eq!(store.get("k").await, Ok(None));
        assert_eq!(store.write_end("k", &two, &filling("2")).await, Ok(false));
        assert_eq!(store.get("k").await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stamp_is_made_once_and_outlives_what_carries_it() {
        let store = MemoryStore::new(1 << 20);
        let ask = |fresh| [Ask { key: "t".into(), fresh, px: Duration::from_secs(1), extend: false }];
        assert_eq!(store.stamps(&ask(1)).await, Ok(vec![Some(1)]));
        assert_eq!(store.stamps(&ask(2)).await, Ok(vec![Some(1)]));
        let mine = lease(&Token::fresh(), Before::Nothing);
        acquire(&store, &mine, LONG).await;
        store.fill("k", &mine, &Filling { tags: vec!["t".into()], ..filling("v") }).await.unwrap();
        tokio::time::advance(LONG).await;
        assert_eq!(store.stamps(&ask(3)).await, Ok(vec![Some(1)]));
        store.delete(&["t".into()]).await.unwrap();
        assert_eq!(store.stamps(&ask(4)).await, Ok(vec![Some(4)]));
    }
}
