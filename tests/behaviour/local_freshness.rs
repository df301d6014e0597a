//! What is kept in the process, where there is more to say of how long a value lives, and of what is stored.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::on_both_backends;
use crate::support::{Count, Redis, eventually};

/// The ttl below, and what it takes to read the time: one that is over is over for both clocks.
const TTL: Duration = Duration::from_millis(600);
/// A load that is worth an early refresh.
const LOAD: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Refused(u64);

#[derive(Clone)]
struct Rates {
    cache: Cache,
    loads: Count,
}

impl Rates {
    fn over(cache: &Cache) -> Arc<Self> {
        Arc::new(Self { cache: cache.clone(), loads: Count::default() })
    }

    #[cached(key = "rate", ttl = "600ms", stale = "60s", early = off, jitter = 0.0, local, cache = &self.cache)]
    async fn stale(&self) -> u64 {
        self.loads.add()
    }

    #[cached(
        key = "background", ttl = "600ms", stale = "60s", early = off, jitter = 0.0, refresh = background, local,
        cache = &self.cache
    )]
    async fn in_background(self: Arc<Self>) -> Result<u64, Refused> {
        Ok(self.loads.add())
    }

    /// Of its last fifth every read draws a refresh.
    #[cached(key = "early", ttl = "3s", stale = "60s", early = 1000000.0, jitter = 0.0, local, cache = &self.cache)]
    async fn early(&self) -> u64 {
        sleep(LOAD).await;
        self.loads.add()
    }

    /// The same value, by somebody who leaves it as it is for as long as it lives.
    #[cached(key = "early", ttl = "3s", stale = "60s", early = off, jitter = 0.0, local, cache = &self.cache)]
    async fn patient(&self) -> u64 {
        self.loads.add()
    }

    #[cached(key = "quote:<fails>", ttl = 60, error_ttl = 60, local, cache = &self.cache)]
    async fn remembered(&self, fails: bool) -> Result<u64, Refused> {
        let load = self.loads.add();
        if fails { Err(Refused(load)) } else { Ok(load) }
    }

    #[cached(key = "text:<length>", ttl = 60, local, cache = &self.cache)]
    async fn text(&self, length: usize) -> String {
        self.loads.add();
        "x".repeat(length)
    }
}

/// One call, and whether it was answered in this process.
async fn kept<T>(cache: &Cache, read: impl AsyncFn() -> T) -> (T, bool) {
    let before = cache.stats().total().hits_local;
    let value = read().await;
    (value, cache.stats().total().hits_local > before)
}

/// Calls until one is answered in this process.
async fn until_kept<T>(cache: &Cache, read: impl AsyncFn() -> T) {
    eventually("a local hit", async || kept(cache, &read).await.1).await;
}

on_both_backends! {
    async fn a_local_value_ends_with_its_ttl_and_is_refreshed_where_it_is_stale(world: World) {
        let rates = Rates::over(&world.cache);
        let read = async || rates.stale().await;
        let first = read().await;
        let stored = Instant::now();
        until_kept(&world.cache, read).await;
        // What is stale is served by the store for a minute, and not from here for a moment.
        eventually("a refresh", async || read().await > first).await;
        assert!(stored.elapsed() >= TTL - Duration::from_millis(50), "it lived for {:?}", stored.elapsed());
        assert!(stored.elapsed() < TTL * 5, "it lived for {:?}", stored.elapsed());
        let total = world.cache.stats().total();
        assert!(total.refreshes >= 1, "loaded anew by a refresh: {total:?}");
        // A value that was refreshed is kept as any other is.
        until_kept(&world.cache, read).await;
    }

    async fn a_refresh_in_the_background_ends_what_is_kept_here(world: World) {
        let rates = Rates::over(&world.cache);
        let read = async || Arc::clone(&rates).in_background().await;
        let first = read().await.unwrap();
        until_kept(&world.cache, read).await;
        eventually("a hit of the store", async || {
            let (value, kept) = kept(&world.cache, read).await;
            assert!(kept || value == Ok(first), "whoever finds it due has the old one");
            !kept
        })
        .await;
        eventually("a refresh", async || read().await.unwrap() > first).await;
        until_kept(&world.cache, read).await;
        assert!(world.cache.stats().total().refreshes >= 1);
    }

    async fn a_value_that_may_be_refreshed_early_is_not_kept_for_its_last_fifth(world: World) {
        let rates = Rates::over(&world.cache);
        let first = rates.early().await;
        let stored = Instant::now();
        until_kept(&world.cache, async || rates.early().await).await;
        until_kept(&world.cache, async || rates.patient().await).await;
        eventually("an early refresh", async || rates.early().await > first).await;
        let early = stored.elapsed();
        assert!((Duration::from_millis(2_300)..Duration::from_millis(3_000)).contains(&early), "after {early:?}");
        assert_eq!(world.cache.stats().total().early_refreshes, 1);
        // It was kept for whoever does not refresh early; the process that replaced it knows.
        assert!(rates.patient().await > first);
    }

    async fn a_remembered_error_is_never_kept_in_the_process(world: World) {
        let rates = Rates::over(&world.cache);
        let error = rates.remembered(true).await.unwrap_err();
        // A value is kept by then: the same connection would tell of the error.
        until_kept(&world.cache, async || rates.remembered(false).await).await;
        let loads = rates.loads.get();
        for _ in 0..20 {
            assert_eq!(kept(&world.cache, async || rates.remembered(true).await).await, (Err(error.clone()), false));
        }
        assert_eq!(rates.loads.get(), loads, "it is remembered");
    }

    async fn a_value_over_the_limit_is_not_kept_in_the_process_either(world: World) {
        let builder = world.redis.as_ref().map_or_else(Cache::builder, Redis::builder);
        let cache = builder.max_value(2_048).build().unwrap();
        let rates = Rates::over(&cache);
        until_kept(&cache, async || rates.text(100).await).await;
        let loads = rates.loads.get();
        for _ in 0..20 {
            let (text, kept) = kept(&cache, async || rates.text(4_096).await).await;
            assert!(!kept && text.len() == 4_096);
        }
        assert_eq!(rates.loads.get(), loads + 20);
        assert_eq!(cache.stats().total().oversized, 20);
    }
}

/// How long anything may be served that a server has told nobody of, and a moment for a machine under load.
const BOUND: Duration = Duration::from_millis(1_300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_hits_end_with_the_server_and_what_is_loaded_then_is_not_kept_as_they_are() {
    let mut redis = Redis::start();
    let cache = redis.builder().outage_cache(Duration::from_millis(200)).build().unwrap();
    let rates = Rates::over(&cache);
    let read = async || rates.text(10).await;
    until_kept(&cache, read).await;
    redis.kill();
    let killed = Instant::now();
    eventually("a call that asks", async || !kept(&cache, read).await.1).await;
    assert!(killed.elapsed() < BOUND, "local hits went on for {:?}", killed.elapsed());
    eventually("the breaker opens", async || {
        read().await;
        cache.stats().breaker_open
    })
    .await;
    let hits = cache.stats().total().hits_local;
    eventually("what was loaded is kept for the outage", async || {
        read().await;
        cache.stats().total().outage_hits > 10
    })
    .await;
    assert_eq!(cache.stats().total().hits_local, hits, "what was loaded past the store is no value of the store's");
}
