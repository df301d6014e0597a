//! What was loaded while Redis is away, kept for a moment.

use std::time::{Duration, Instant};

use cached_runtime::{cached, key, write_through};

use crate::service::Service;
use crate::support::{Count, Redis, eventually};

const MOMENT: Duration = Duration::from_secs(1);

/// A service whose server was given up.
async fn given_up() -> (Redis, Service) {
    let mut redis = Redis::start();
    let cache = redis.builder().outage_cache(MOMENT).build().expect("a cache");
    let service = Service::over(cache).loading_for(Duration::ZERO);
    service.until_hit("warm").await;
    redis.kill();
    let mut read = 0;
    eventually("the breaker opens", async || {
        read += 1;
        service.read(&format!("any {read}")).await;
        service.cache.stats().breaker_open
    })
    .await;
    (redis, service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_one_after_another_load_once_a_moment() {
    let (_redis, service) = given_up().await;
    let (began, loads) = (Instant::now(), service.loads.get());
    let mut calls = 0;
    while began.elapsed() < MOMENT * 2 {
        service.read("k").await;
        calls += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let moments = began.elapsed().as_secs() + 1;
    let loads = service.loads.get() - loads;
    assert!(loads <= moments, "{loads} loads of one key for {calls} calls in {moments} moments");
    assert!(loads >= 2, "it is never loaded again");
    assert_eq!(service.cache.stats().total().outage_hits, calls - loads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_process_writes_is_seen_by_its_next_call() {
    let (_redis, service) = given_up().await;
    for _ in 0..20 {
        service.read("k").await;
        let fresh = service.write();
        service.invalidate("k").await.expect_err("queued");
        let loaded = Instant::now();
        assert_eq!(service.read("k").await.value, fresh);
        // The key is queued; that is no reason to load it with every call.
        let again = service.read("k").await;
        assert_eq!(again.value, fresh);
        assert!(!again.loaded || loaded.elapsed() >= MOMENT);
    }
    service.read("another").await;
    let fresh = service.write();
    service.cache.clear().await.expect_err("queued");
    assert_eq!(service.read("another").await.value, fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_process_writes_under_a_tag_or_through_is_seen_by_its_next_call() {
    #[cached(key = "tagged", tag = "tag", ttl = 60, skip(cache, row), cache = cache)]
    async fn tagged(cache: &cached_runtime::Cache, row: &Count) -> u64 {
        row.get()
    }

    #[write_through(key = "tagged", tag = "tag", ttl = 60, cache = cache)]
    async fn write(cache: &cached_runtime::Cache, row: &Count) -> u64 {
        row.add()
    }

    let (_redis, service) = given_up().await;
    let (cache, row) = (&service.cache, Count::default());
    for _ in 0..5 {
        tagged(cache, &row).await;
        let fresh = row.add();
        cache.invalidate_tag(&key!("tag")).await.expect_err("queued");
        assert_eq!(tagged(cache, &row).await, fresh);
        let fresh = write(cache, &row).await;
        let loaded = Instant::now();
        assert_eq!(tagged(cache, &row).await, fresh);
        row.add();
        assert!(tagged(cache, &row).await == fresh || loaded.elapsed() >= MOMENT, "not kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_kept_is_served_once_the_server_is_back() {
    let (mut redis, service) = given_up().await;
    service.read("k").await;
    redis.restart();
    eventually("the server is used again", async || {
        service.read("another").await;
        !service.cache.stats().breaker_open
    })
    .await;
    let fresh = service.write();
    let kept = service.cache.stats().total().outage_hits;
    // Not loaded since: what was kept of it is not a second old.
    assert_eq!(service.read("k").await.value, fresh);
    assert_eq!(service.cache.stats().total().outage_hits, kept);
}
