//! What a Prometheus exporter gets to see. One test: recorders are for the whole process.

#[path = "../support/mod.rs"]
mod support;

mod names;
mod scrape;

use std::collections::BTreeSet;
use std::time::Duration;

use cached_runtime::{Cache, Stats, cached, invalidate, write_behind};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::scrape::Scrape;
use crate::support::{Redis, eventually};

struct Books {
    cache: Cache,
    refuses: bool,
    /// Ends a load that is slow.
    go_on: Notify,
}

impl Books {
    fn over(cache: Cache) -> Self {
        Self { cache, refuses: false, go_on: Notify::new() }
    }

    #[cached(key = "book:<id>", ttl = 60, mutex, when = id > 0, cache = &self.cache)]
    async fn find(&self, id: u64) -> Result<u64, String> {
        if self.refuses { Err("refused".to_owned()) } else { Ok(id) }
    }

    #[cached(key = "near:<id>", ttl = 60, local, cache = &self.cache)]
    async fn near(&self, id: u64) -> u64 {
        id
    }

    #[cached(key = "old:<id>", ttl = "20ms", stale = "60s", early = off, cache = &self.cache)]
    async fn old(&self, id: u64) -> Result<u64, String> {
        if self.refuses { Err("refused".to_owned()) } else { Ok(id) }
    }

    #[cached(key = "slow:<id>", ttl = 60, mutex, cache = &self.cache)]
    async fn slow(&self, id: u64) -> u64 {
        self.go_on.notified().await;
        id
    }

    #[cached(key = "large:<id>", ttl = 60, cache = &self.cache)]
    async fn large(&self, id: u64) -> String {
        "x".repeat(4096)
    }

    #[invalidate(key = "book:<id>", cache = &self.cache)]
    async fn change(&self, id: u64) {}

    /// One of each kind of call.
    async fn go_round(&self) {
        for id in [1, 1, 2, 0] {
            assert_eq!(self.find(id).await, Ok(id));
        }
        eventually("a local hit", async || {
            self.near(1).await;
            self.cache.stats().total().requests.hit_local > 0
        })
        .await;
        assert_eq!(self.old(1).await, Ok(1));
        sleep(Duration::from_millis(40)).await;
        let refuses = Self { refuses: true, ..Self::over(self.cache.clone()) };
        assert_eq!(refuses.old(1).await, Ok(1), "the old value");
        self.large(1).await;
        self.change(1).await;
        self.cache.scope(save(vec![Saved { id: 1 }, Saved { id: 2 }])).await.expect("queued");
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    id: u64,
}

/// Nobody runs its worker: what is queued stays.
#[write_behind(key = "saved:<book.id>", each = book in books, ttl = 60, queue = "saved")]
async fn save(books: Vec<Saved>) -> Result<(), std::io::Error> {
    drop(books);
    Ok(())
}

fn install() -> PrometheusHandle {
    let seconds = [0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds);
    builder.expect("buckets").install_recorder().expect("the only recorder")
}

/// Whether what is scraped is what is counted, and nothing else.
fn agrees(scrape: &Scrape, stats: &Stats) -> bool {
    let requests =
        stats.functions.iter().flat_map(|it| it.requests.by_result().map(|(name, calls)| (it.name, name, calls)));
    let mut sum = 0.0;
    let equal = |metric, labels: &[(&str, &str)], figure: u64| scrape.sum(metric, labels) == figure as f64;
    let all = requests.into_iter().all(|(cache, result, calls)| {
        sum += calls as f64;
        equal("cache_requests_total", &[("cache", cache), ("result", result)], calls)
    });
    let each = stats.functions.iter().all(|it| {
        let cache = [("cache", it.name)];
        equal("cache_coalesced_total", &cache, it.coalesced)
            && equal("cache_stores_total", &cache, it.stores)
            && equal("cache_load_failures_total", &cache, it.failures)
            && equal("cache_refreshes_total", &cache, it.refreshes)
            && equal("cache_evictions_total", &[cache[0], ("reason", "invalidated")], it.invalidations)
            && equal("cache_evictions_total", &[cache[0], ("reason", "undelivered")], it.undelivered)
    });
    all && each
        && sum == scrape.sum("cache_requests_total", &[])
        && equal("cache_errors_total", &[("tier", "redis")], stats.total().errors)
        && equal("cache_invalidation_queue", &[("tier", "redis")], stats.queued as u64)
        && equal("cache_circuit_state", &[("tier", "redis")], u64::from(stats.breaker_open))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_exporter_that_is_installed_late_shows_what_stats_counts() {
    let mut redis = Redis::start();
    let books = Books::over(redis.builder().max_value(1024).build().expect("a cache"));
    books.go_round().await;

    let exporter = install();
    let agree = async |what: &str| {
        eventually(what, async || agrees(&Scrape::of(&exporter), &books.cache.stats())).await;
        Scrape::of(&exporter)
    };
    let scrape = agree("what was counted before there was an exporter").await;
    assert_eq!(scrape.sum("cache_write_behind_queue", &[("queue", "saved")]), 2.0);
    assert_eq!(scrape.sum("cache_load_duration_seconds_count", &[]), 0.0, "it was not there yet");
    for (result, tier) in
        [("hit", "redis"), ("miss", "redis"), ("stale", "redis"), ("bypass", "redis"), ("hit_local", "local")]
    {
        assert!(scrape.sum("cache_requests_total", &[("result", result), ("tier", tier)]) > 0.0, "{result}");
    }

    // Another process waits for this one's load.
    let elsewhere = Books::over(redis.cache());
    let loads = books.cache.stats().total().loads;
    tokio::join!(books.slow(1), elsewhere.slow(1), books.slow(1), async {
        eventually("it is waited for", async || elsewhere.cache.stats().total().lock_waits > 0).await;
        books.go_on.notify_one();
    });
    assert_eq!(books.cache.stats().total().loads, loads + 1);
    drop(elsewhere);
    let name = concat!(module_path!(), "::slow");
    eventually("the durations", async || {
        let scrape = Scrape::of(&exporter);
        scrape.sum("cache_load_duration_seconds_count", &[("cache", name)]) == 1.0
            && scrape.sum("cache_lock_wait_seconds_count", &[("cache", name)]) == 1.0
            // Two caches of one program are one; and what one of them has counted stays when it is gone.
            && scrape.sum("cache_requests_total", &[("cache", name)]) == 3.0
    })
    .await;

    redis.kill();
    eventually("it is given up", async || {
        books.find(3).await.expect("the body answers");
        books.cache.stats().breaker_open
    })
    .await;
    books.find(4).await.expect("the body answers");
    books.change(1).await;
    eventually("an outage shows", async || {
        let scrape = Scrape::of(&exporter);
        scrape.sum("cache_circuit_state", &[("tier", "redis")]) == 1.0
            && scrape.sum("cache_invalidation_queue", &[("tier", "redis")]) == 1.0
            && scrape.sum("cache_errors_total", &[("tier", "redis"), ("kind", "given_up")]) > 0.0
            && scrape.sum("cache_requests_total", &[("result", "error")]) > 0.0
    })
    .await;

    let scrape = Scrape::of(&exporter);
    let emitted = scrape.metrics();
    let unseen: Vec<_> = names::shown().into_iter().filter(|name| !emitted.contains(name.as_str())).collect();
    assert!(unseen.is_empty(), "on the dashboard, and nowhere else: {unseen:?}");
    let plain: BTreeSet<_> = emitted.iter().map(|name| names::plain(name).to_owned()).collect();
    assert_eq!(names::documented(), plain);
}
