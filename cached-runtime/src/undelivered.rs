//! Invalidations that the store has not acknowledged, one entry per key. Until it does, this process does not trust what
//! the store holds under those keys, and keeps trying.
//!
//! The database has committed, so the caller cannot be told that its write failed. The queue dies with the process: what
//! bounds staleness then is the ttl.
//!
//! And those that it has acknowledged lately: a server that comes back from an old dump, or a replica that was promoted
//! before it heard of them, has them undone. So they are sent again to whatever server takes the place of the one that
//! acknowledged them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::event;
use crate::queue::{Overtaking, Overtakings};
use crate::stamp::Epoch;
use crate::store::{Names, Overtaken, Repair, Store};

/// More than that become one: the whole prefix.
const MOST: usize = 10_000;

/// How far back a server may have forgotten what it acknowledged.
const REPLAYED: Duration = Duration::from_secs(60);

/// Between attempts: grows from the first to the second, which keeps recovery within a second.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// The queue of one cache.
pub(crate) struct Undelivered {
    /// With the number of the last invalidation of each: a delivery that was on its way before that does not count.
    keys: Mutex<HashMap<Arc<str>, u64>>,
    /// How many there are: while there are none, a call looks at nothing else.
    count: AtomicUsize,
    delivering: AtomicBool,
    /// What was acknowledged lately, oldest first.
    acknowledged: Mutex<VecDeque<(Instant, Arc<str>)>>,
    epoch: Arc<Epoch>,
    /// Written past their queues: what is queued of them is older.
    pub(crate) overtaken: Overtakings,
}

/// How many, and no keys: those may be about people, and a store is printed with its cache.
impl fmt::Debug for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undelivered").field("count", &self.len()).finish_non_exhaustive()
    }
}

impl Undelivered {
    pub(crate) fn new(epoch: Arc<Epoch>) -> Self {
        Self {
            keys: Mutex::default(),
            count: AtomicUsize::new(0),
            delivering: AtomicBool::new(false),
            acknowledged: Mutex::default(),
            epoch,
            overtaken: Overtakings::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn replayed(&self) -> usize {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The store has acknowledged these.
    pub(crate) fn acknowledged(&self, keys: &[Arc<str>]) {
        let now = Instant::now();
        let mut acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        while acknowledged.front().is_some_and(|(at, _)| now.duration_since(*at) > REPLAYED) {
            acknowledged.pop_front();
        }
        acknowledged.extend(keys.iter().map(|key| (now, Arc::clone(key))));
        if acknowledged.len() > MOST {
            acknowledged.clear();
            acknowledged.extend(self.epoch.keys().map(|epoch| (now, Arc::clone(epoch))));
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<Arc<str>, u64>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Whether what the store holds under this key, with these tags, may be what an undelivered invalidation was about.
    pub(crate) fn concerns<'k>(&self, key: &Arc<str>, tags: impl IntoIterator<Item = &'k Arc<str>>) -> bool {
        if self.is_empty() {
            return false;
        }
        let keys = self.keys();
        self.epoch.keys().any(|epoch| keys.contains_key(epoch))
            || keys.contains_key(key)
            || tags.into_iter().any(|tag| keys.contains_key(tag))
    }

    /// Queues keys, and sees to it that somebody delivers them; true for the first ones. Inside of a runtime.
    pub(crate) fn add(self: &Arc<Self>, undelivered: &[Arc<str>], store: &Arc<dyn Store>) -> bool {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut keys = self.keys();
        let first = keys.is_empty();
        keys.extend(undelivered.iter().map(|key| (Arc::clone(key), number)));
        let overflows = keys.len() > MOST;
        if overflows {
            keys.clear();
            keys.extend(self.epoch.keys().map(|epoch| (Arc::clone(epoch), number)));
        }
        self.count.store(keys.len(), Ordering::SeqCst);
        drop(keys);
        if overflows {
            event::warning!(
                "cache: more than {MOST} invalidations wait to be delivered; everything under the prefix is invalidated \
                 in their place"
            );
        }
        self.deliver(store);
        first
    }

    /// What is queued of these keys is older than the database, and the store is to hear of it: with their deletion.
    pub(crate) fn overtake(self: &Arc<Self>, keys: &[Arc<str>], overtaking: &Overtaking, store: &Arc<dyn Store>) {
        self.overtaken.add(keys, overtaking);
        self.add(keys, store);
    }

    /// Starts to deliver, unless somebody does. Called again by those who find their key here: the runtime of whoever
    /// did may be gone.
    pub(crate) fn deliver(self: &Arc<Self>, store: &Arc<dyn Store>) {
        if self.delivering.swap(true, Ordering::SeqCst) {
            return;
        }
        let Ok(here) = Handle::try_current() else {
            self.delivering.store(false, Ordering::SeqCst);
            return;
        };
        let mut delivery = Delivery { queue: Arc::clone(self), on_duty: true };
        let store = Arc::clone(store);
        here.spawn(async move {
            let queue = Arc::clone(&delivery.queue);
            let mut pause = RETRY.0;
            while delivery.on_duty {
                while !queue.is_empty() {
                    sleep(pause.mul_f64(0.5 + 0.5 * fastrand::f64())).await;
                    pause = if queue.attempt(&*store).await { RETRY.0 } else { (pause * 2).min(RETRY.1) };
                }
                queue.delivering.store(false, Ordering::SeqCst);
                // Whoever added one just before that took it that we were still at it.
                delivery.on_duty = !queue.is_empty() && !queue.delivering.swap(true, Ordering::SeqCst);
            }
        });
    }

    /// True when something was delivered.
    async fn attempt(&self, store: &dyn Store) -> bool {
        // First: a key whose queue does not know yet is not to be read again.
        let mut untold = HashSet::new();
        if let Some(queues) = store.queues() {
            for (names, overtaken) in self.overtaken.outstanding() {
                match queues.overtake(&names, &overtaken).await {
                    Ok(()) => self.overtaken.told(&overtaken),
                    Err(error) if error.is_about_the_server() => return false,
                    // Of this key only: the others do not wait for it.
                    Err(_) => _ = untold.insert(overtaken.key),
                }
            }
        }
        let mut attempted = self.outstanding(false);
        if !untold.is_empty() {
            // The prefix stands for all keys, the untold ones too.
            attempted.retain(|(key, _)| !untold.contains(key) && !self.epoch.keys().any(|epoch| epoch == key));
        }
        let names: Vec<Arc<str>> = attempted.iter().map(|(key, _)| Arc::clone(key)).collect();
        let Ok(deleted) = store.delete_each(&names).await else { return false };
        let delivered = attempted.into_iter().zip(deleted).filter_map(|(key, deleted)| deleted.is_ok().then_some(key));
        let delivered: Vec<_> = delivered.collect();
        self.delivered(&delivered);
        !delivered.is_empty()
    }

    /// Tries for a while to deliver everything; says how many are left.
    pub(crate) async fn flush(&self, store: &dyn Store, deadline: Instant) -> usize {
        while !self.is_empty() && Instant::now() < deadline {
            if !self.attempt(store).await {
                sleep(RETRY.0).await;
            }
        }
        self.len()
    }
}

impl Repair for Undelivered {
    fn outstanding(&self, replaced: bool) -> Vec<(Arc<str>, u64)> {
        let mut outstanding: Vec<_> = self.keys().iter().map(|(key, number)| (Arc::clone(key), *number)).collect();
        if replaced {
            // What was read from the server before says nothing of this one.
            self.epoch.forget();
            let acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            let lately = acknowledged.iter().filter(|(at, _)| at.elapsed() <= REPLAYED);
            outstanding.extend(lately.map(|(_, key)| (Arc::clone(key), 0)));
        }
        outstanding
    }

    fn overtaken(&self) -> Vec<(Arc<Names>, Overtaken)> {
        self.overtaken.outstanding()
    }

    fn overtook(&self, overtaken: &Overtaken) {
        self.overtaken.told(overtaken);
    }

    fn delivered(&self, delivered: &[(Arc<str>, u64)]) {
        if delivered.iter().any(|(key, _)| self.epoch.keys().any(|epoch| epoch == key)) {
            // While the key is still queued: nobody may go by the stamp that was there.
            self.epoch.forget();
        }
        let mut keys = self.keys();
        let before = keys.len();
        for (key, number) in delivered {
            if keys.get(key) == Some(number) {
                keys.remove(key);
            }
        }
        self.count.store(keys.len(), Ordering::SeqCst);
        if before > 0 && keys.is_empty() {
            event::notice!("cache: all invalidations are delivered");
        }
    }
}

/// Ends with the task that delivers, or with its runtime.
struct Delivery {
    queue: Arc<Undelivered>,
    on_duty: bool,
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if self.on_duty {
            self.queue.delivering.store(false, Ordering::SeqCst);
        }
    }
}
