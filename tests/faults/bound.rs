//! Loads for want of the cache: so many at a time, however they come about.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached, key};
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::gate::Gate;
use crate::support::{Count, Redis, eventually};

/// What `Builder::fallback_loads` is unless it is said.
const BOUND: u64 = 64;
/// What a caller that has no turn may wait at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// Cannot be cloned: nobody shares it.
#[derive(Debug)]
struct Refused;

#[derive(Clone)]
struct Rows {
    cache: Cache,
    loads: Count,
    running: Arc<AtomicU64>,
    /// The most that ran at a time.
    most: Arc<AtomicU64>,
    gate: Gate,
}

impl Rows {
    fn over(redis: &Redis) -> Self {
        Self {
            cache: redis.cache(),
            loads: Count::default(),
            running: Arc::default(),
            most: Arc::default(),
            gate: Gate::closed(),
        }
    }

    /// Over a server that was given up.
    async fn without_cache() -> (Redis, Self) {
        let mut redis = Redis::start();
        let rows = Self::over(&redis);
        redis.kill();
        eventually("it is given up", async || {
            rows.refuse(0).await.expect_err("no load succeeds");
            rows.cache.stats().breaker_open
        })
        .await;
        (redis, rows)
    }

    #[cached(key = "refused:<id>", ttl = 60, cache = self.cache.clone())]
    async fn refuse(&self, id: u64) -> Result<u64, Refused> {
        self.loads.add();
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        Err(Refused)
    }

    #[cached(key = "refused:<id>", ttl = 60, cache = self.cache.clone())]
    async fn refuse_at_last(&self, id: u64) -> Result<u64, Refused> {
        self.gate.pass().await;
        Err(Refused)
    }

    #[cached(key = "standing:<id>", ttl = 60, cache = self.cache.clone())]
    fn stand(&self, id: u64) -> u64 {
        let passed = async { timeout(Duration::from_secs(20), self.gate.pass()).await };
        assert!(tokio::runtime::Handle::current().block_on(passed).is_ok(), "the gate stayed closed");
        id
    }

    #[cached(key = "quick:<id>", ttl = 60, cache = self.cache.clone())]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn after_a_load_that_failed_its_followers_load_in_turns() {
    const CALLERS: u64 = 500;
    let (_redis, rows) = Rows::without_cache().await;
    let before = (rows.loads.get(), rows.cache.stats().total().over_bound);
    // From here on no turn is waited for so long that it is over the bound, however busy the machine is.
    tokio::time::pause();
    rows.most.store(0, Ordering::SeqCst);
    let refused = join_all((0..CALLERS).map(|_| rows.refuse(7))).await;
    assert!(refused.iter().all(Result::is_err));
    assert_eq!((rows.loads.get(), rows.cache.stats().total().over_bound), (before.0 + CALLERS, before.1));
    assert_eq!(rows.most.load(Ordering::SeqCst), BOUND);
}

#[tokio::test]
async fn after_a_load_that_failed_when_the_server_was_gone_its_followers_load_in_turns() {
    const CALLERS: u64 = 500;
    let mut redis = Redis::start();
    let rows = Rows::over(&redis);
    let leader = tokio::spawn({
        let rows = rows.clone();
        async move { rows.refuse_at_last(7).await }
    });
    rows.gate.entered(1).await;
    let mut followers = pin!(join_all((0..CALLERS).map(|_| rows.refuse(7))));
    assert!(followers.as_mut().now_or_never().is_none(), "they wait for the load");
    redis.kill();
    // Not given up yet: one failure is none.
    assert_eq!(rows.cache.get::<u64>(&key!("another")).await, None);
    assert!(!rows.cache.stats().breaker_open);
    // See above.
    tokio::time::pause();
    rows.gate.open();
    let (led, refused) = join(leader, followers).await;
    assert!(led.expect("no panic").is_err() && refused.iter().all(Result::is_err));
    assert_eq!((rows.loads.get(), rows.cache.stats().total().over_bound), (CALLERS, 0));
    assert_eq!(rows.most.load(Ordering::SeqCst), BOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_calls_over_the_bound_are_counted_and_wait_for_nobody() {
    const OVER: u64 = 16;
    let (_redis, rows) = Rows::without_cache().await;
    let over_bound = || rows.cache.stats().total().over_bound;
    let before = over_bound();
    let mut standing = JoinSet::new();
    for id in 0..BOUND + OVER {
        let rows = rows.clone();
        standing.spawn_blocking(move || assert_eq!(rows.stand(id), id));
    }
    rows.gate.entered(BOUND + OVER).await;
    let over = over_bound() - before;
    // The quickest of a few: what a busy machine adds to the others says nothing.
    let mut took = Vec::new();
    for id in 0..5 {
        let rows = rows.clone();
        let timed = move || {
            let began = Instant::now();
            assert_eq!(rows.find(id), id);
            began.elapsed()
        };
        took.push(spawn_blocking(timed).await.expect("no panic"));
    }
    let over_then = over_bound() - before;
    rows.gate.open();
    standing.join_all().await;
    assert_eq!((over, over_then), (OVER, OVER + 5));
    assert!(took.iter().min().is_some_and(|took| *took < PATIENCE / 2), "{took:?}");
}
