//! Random interleavings of readers, writers and invalidations over two processes, judged by one property: a read that
//! starts after an invalidation returned never sees an older version.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cached_runtime::{Cache, cached, key};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dice::Dice;
use crate::faulty::{Fault, Faulty};
use crate::patience::patient;
use crate::support::{Count, Redis, World};

const INTERLEAVINGS: u64 = 2_000;
/// So many at once: enough to keep the processors busy, few enough to end soon.
const AT_ONCE: u64 = 16;

/// One row, as one process sees it.
#[derive(Clone)]
struct Row {
    cache: Cache,
    number: u64,
    /// What the database holds.
    version: Arc<AtomicU64>,
    /// The newest version whose invalidation has returned.
    invalidated: Arc<AtomicU64>,
    loads: Count,
    stale: Count,
    /// Whether every read may refresh what it finds.
    refreshes: bool,
}

impl Row {
    async fn load(&self, mut dice: Dice) -> u64 {
        self.loads.add();
        dice.moment().await;
        let version = self.version.load(Ordering::SeqCst);
        dice.moment().await;
        version
    }

    #[cached(key = "row:<self.number>", ttl = 60, mutex, skip(dice), cache = self.cache.clone())]
    async fn guarded(&self, dice: Dice) -> Result<u64, String> {
        Ok(self.load(dice).await)
    }

    #[cached(key = "row:<self.number>", ttl = 60, skip(dice), cache = self.cache.clone())]
    async fn unguarded(&self, dice: Dice) -> Option<u64> {
        Some(self.load(dice).await)
    }

    #[cached(
        key = "row:<self.number>", ttl = "1ms", stale = "60s", mutex, skip(dice), cache = self.cache.clone()
    )]
    async fn refreshed(&self, dice: Dice) -> Result<u64, String> {
        Ok(self.load(dice).await)
    }

    #[cached(
        key = "row:<self.number>", ttl = "1ms", stale = "60s", refresh = background, mutex, skip(dice),
        cache = self.cache.clone()
    )]
    async fn refreshed_in_the_background(self: Arc<Self>, dice: Dice) -> Result<u64, String> {
        Ok(self.load(dice).await)
    }

    /// One read, checked.
    async fn read(&self, mut dice: Dice) {
        let newest = self.invalidated.load(Ordering::SeqCst);
        let seen = match (self.refreshes, dice.roll(3)) {
            (true, 0) => Arc::new(self.clone()).refreshed_in_the_background(dice).await.ok(),
            (true, _) => self.refreshed(dice).await.ok(),
            (false, 0) => self.unguarded(dice).await,
            (false, _) => self.guarded(dice).await.ok(),
        };
        if seen.is_none_or(|seen| seen < newest) {
            self.stale.add();
        }
    }

    /// One write: commit, then invalidate.
    async fn write(&self, mut dice: Dice) {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        dice.moment().await;
        let number = self.number;
        self.cache.invalidate(&key!("row:<number>")).await.expect("the store answers");
        self.invalidated.fetch_max(version, Ordering::SeqCst);
    }
}

#[derive(Debug, Default)]
struct Verdict {
    stale: u64,
    undisturbed: u64,
    undisturbed_loads: u64,
}

/// Readers and writers of one row, each after a delay of its own; then three reads that nothing disturbs.
async fn interleaving(processes: [Cache; 2], number: u64, refreshes: bool) -> Verdict {
    let mut dice = Dice::new(number);
    let (version, invalidated) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicU64::new(1)));
    let (loads, stale) = (Count::default(), Count::default());
    let rows = processes.map(|cache| Row {
        cache,
        number,
        version: Arc::clone(&version),
        invalidated: Arc::clone(&invalidated),
        loads: loads.clone(),
        stale: stale.clone(),
        refreshes,
    });
    let mut tasks = JoinSet::new();
    for task in 0..3 + dice.roll(5) {
        let row = rows[usize::from(dice.roll(2) == 0)].clone();
        let mut own = dice.hand_on();
        // A reader, a writer, a second reader; then as the dice fall.
        let writes = task == 1 || task > 2 && dice.roll(3) == 0;
        tasks.spawn(async move {
            own.moment().await;
            if writes {
                row.write(own.clone()).await;
                own.moment().await;
                row.read(own).await;
            } else if own.roll(6) == 0 {
                // A caller that goes away, perhaps in the middle.
                let _ = timeout(Duration::from_millis(own.roll(3)), row.read(own)).await;
            } else {
                row.read(own).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no part of an interleaving panics");
    }
    let before = loads.get();
    for _ in 0..3 {
        rows[usize::from(dice.roll(2) == 0)].read(dice.clone()).await;
    }
    Verdict { stale: stale.get(), undisturbed: 3, undisturbed_loads: loads.get() - before }
}

async fn verdict(processes: [Cache; 2], interleavings: u64, refreshes: bool) -> Verdict {
    let mut total = Verdict::default();
    let mut running: JoinSet<Verdict> = JoinSet::new();
    for number in 0..interleavings + AT_ONCE {
        if number >= AT_ONCE {
            let one = running.join_next().await.expect("as many run as were spawned").expect("no panic");
            total.stale += one.stale;
            total.undisturbed += one.undisturbed;
            total.undisturbed_loads += one.undisturbed_loads;
        }
        if number < interleavings {
            running.spawn(interleaving(processes.clone(), number, refreshes));
        }
    }
    total
}

async fn none_is_stale(processes: [Cache; 2]) {
    let caches = processes.clone();
    let verdict = verdict(processes, INTERLEAVINGS, false).await;
    assert_eq!(verdict.stale, 0, "{verdict:?}");
    assert!(verdict.undisturbed_loads * 2 < verdict.undisturbed, "more misses than hits: {verdict:?}");
    // A store that answers nothing would pass both.
    let stats = caches[0].stats().total();
    assert_eq!(stats.errors, 0, "{stats:?}");
    assert!(stats.hits > INTERLEAVINGS && stats.late_fills > 0, "nothing raced: {stats:?}");
}

async fn none_is_stale_although_refreshed(processes: [Cache; 2]) {
    let caches = processes.clone();
    let verdict = verdict(processes, INTERLEAVINGS, true).await;
    assert_eq!(verdict.stale, 0, "{verdict:?}");
    let stats = caches[0].stats().total();
    assert_eq!(stats.errors, 0, "{stats:?}");
    assert!(stats.refreshes > INTERLEAVINGS / 2 && stats.late_fills > 0, "nothing raced: {stats:?}");
}

/// The checker must see what it is there to see.
async fn some_are_stale(processes: [Cache; 2], refreshes: bool) {
    let verdict = verdict(processes, INTERLEAVINGS, refreshes).await;
    assert!(verdict.stale > 0, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_no_read_after_an_invalidation_is_stale() {
    let cache = World::memory().cache;
    none_is_stale([cache.clone(), cache]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_no_read_after_an_invalidation_is_stale() {
    let redis = Redis::start();
    none_is_stale([patient(&redis), patient(&redis)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_no_refresh_brings_back_what_was_invalidated() {
    let cache = World::memory().cache;
    none_is_stale_although_refreshed([cache.clone(), cache]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_no_refresh_brings_back_what_was_invalidated() {
    let redis = Redis::start();
    none_is_stale_although_refreshed([patient(&redis), patient(&redis)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_a_refill_that_does_not_compare_is_found_out() {
    let cache = Cache::builder().wrap_store(Faulty::wrap(Fault::RefillWithoutCompare)).build().unwrap();
    some_are_stale([cache.clone(), cache], true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_an_unconditional_fill_is_found_out() {
    let cache = Cache::builder().wrap_store(Faulty::wrap(Fault::UnconditionalFill)).build().unwrap();
    some_are_stale([cache.clone(), cache], false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_an_unconditional_fill_is_found_out() {
    let redis = Redis::start();
    let cache = || {
        redis
            .builder()
            .timeout(Duration::from_secs(5))
            .wrap_store(Faulty::wrap(Fault::UnconditionalFill))
            .build()
            .unwrap()
    };
    some_are_stale([cache(), cache()], false).await;
}
