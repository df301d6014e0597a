//! What is counted: every call once, by what it was answered with.

use std::collections::HashMap;
use std::time::Duration;

use cached_runtime::{Cache, Requests, cached, invalidate};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::gate::Gate;
use crate::promises;
use crate::support::{Count, Redis, eventually};

/// A table that is read in every way there is.
#[derive(Clone)]
struct Books {
    cache: Cache,
    loads: Count,
    gate: Gate,
    refuses: bool,
}

impl Books {
    fn over(cache: &Cache) -> Self {
        let books = Self { cache: cache.clone(), loads: Count::default(), gate: Gate::closed(), refuses: false };
        books.gate.open();
        books
    }

    async fn load(&self) -> Result<u64, String> {
        let load = self.loads.add();
        self.gate.pass().await;
        if self.refuses { Err("refused".to_owned()) } else { Ok(load) }
    }

    #[cached(key = "book:<id>", ttl = 60, mutex, when = id > 0, cache = &self.cache)]
    async fn find(&self, id: u64) -> Result<u64, String> {
        self.load().await
    }

    #[cached(key = "near:<id>", ttl = 60, local, cache = &self.cache)]
    async fn near(&self, id: u64) -> Result<u64, String> {
        self.load().await
    }

    #[cached(key = "old:<id>", ttl = "20ms", stale = "60s", early = off, mutex(lease = "100ms"), cache = &self.cache)]
    async fn old(&self, id: u64) -> Result<u64, String> {
        self.load().await
    }

    #[cached(
        key = "older:<id>", ttl = "20ms", stale = "60s", early = off, refresh = background, cache = self.cache.clone()
    )]
    async fn older(self, id: u64) -> Result<u64, String> {
        self.load().await
    }

    #[cached(key = "book:<id>", ttl = 60, each = id in ids, cache = &self.cache)]
    async fn many(&self, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
        let load = self.load().await?;
        Ok(ids.iter().map(|id| (*id, load)).collect())
    }

    /// Its own key inside of its load: a bypass.
    #[cached(key = "deep:<id>", ttl = 60, mutex, cache = &self.cache)]
    async fn deep(&self, id: u64) -> u64 {
        if self.loads.add() % 2 == 1 { self.deep(id).boxed_local().await } else { id }
    }

    #[invalidate(key = "book:<id>", cache = &self.cache)]
    async fn change(&self, id: u64) {}

    fn requests(&self, function: &str) -> Requests {
        self.cache.stats().function(function).expect(function).requests
    }
}

/// What is not zero.
fn counted(requests: Requests) -> Vec<(&'static str, u64)> {
    requests.by_result().filter(|(_, calls)| *calls > 0).collect()
}

promises! {
    async fn each_call_counts_as_what_it_was_answered_with(world: World) {
        let books = Books::over(&world.cache);
        for (id, answer) in [(1, "miss"), (1, "hit"), (0, "bypass"), (2, "miss"), (2, "hit")] {
            let before = books.cache.stats().total().requests;
            books.find(id).await.expect("no load fails");
            let now = books.requests("find");
            let changed = now.by_result().zip(before.by_result()).filter(|(now, before)| now.1 != before.1);
            assert_eq!(changed.map(|((name, _), _)| name).collect::<Vec<_>>(), [answer], "{id}");
        }
        let total = books.cache.stats().total();
        assert_eq!((total.hits, total.misses, total.bypasses, total.loads), (2, 2, 1, 3), "{total:?}");

        eventually("a local hit", async || {
            books.near(1).await.expect("no load fails");
            books.requests("near").hit_local > 0
        })
        .await;
        assert_eq!(books.deep(7).await, 7);
        assert_eq!(counted(books.requests("deep")), [("miss", 1), ("bypass", 1)]);

        // Three keys of which one is there, one of them twice.
        assert_eq!(books.many(&[1, 8, 9, 9]).await.map(|found| found.len()), Ok(3));
        assert_eq!(counted(books.requests("many")), [("hit", 1), ("miss", 2)]);
        assert_eq!(books.cache.stats().function("many").expect("it was called").loads, 1);
    }

    async fn a_call_that_shares_a_load_is_a_miss(world: World) {
        let books = Books::over(&world.cache);
        let mut calls = 0;
        // Who comes a moment too late for a load finds what it has stored.
        eventually("a shared load", async || {
            calls += 8;
            let slow = Books { gate: Gate::closed(), ..books.clone() };
            let (found, ()) = tokio::join!(join_all((0..8).map(|_| slow.find(calls))), async {
                slow.gate.entered(1).await;
                slow.gate.open();
            });
            assert!(found.iter().all(Result::is_ok), "{found:?}");
            books.cache.stats().total().coalesced > 0
        })
        .await;
        let total = books.cache.stats().total();
        let Requests { miss, hit, .. } = total.requests;
        assert_eq!((miss + hit, miss), (calls, total.loads + total.coalesced), "{total:?}");
    }

    async fn a_stale_value_counts_as_that_and_its_refresh_as_a_miss_unless_it_fails(world: World) {
        let books = Books::over(&world.cache);
        let refuses = Books { refuses: true, ..books.clone() };
        books.old(1).await.expect("no load fails");
        sleep(Duration::from_millis(40)).await;
        books.old(1).await.expect("no load fails");
        assert_eq!(counted(books.requests("old")), [("miss", 2)]);
        sleep(Duration::from_millis(40)).await;
        assert!(refuses.old(1).await.is_ok(), "the old value");
        assert_eq!(counted(books.requests("old")), [("miss", 2), ("stale", 1)]);
        // Nobody tries again for a moment.
        assert!(refuses.old(1).await.is_ok(), "the old value");
        assert_eq!(counted(books.requests("old")), [("miss", 2), ("stale", 2)]);

        books.clone().older(1).await.expect("no load fails");
        sleep(Duration::from_millis(40)).await;
        books.clone().older(1).await.expect("no load fails");
        eventually("it is loaded anew", async || books.cache.stats().function("older").unwrap().stores == 2).await;
        assert_eq!(counted(books.requests("older")), [("miss", 1), ("stale", 1)]);
    }

    async fn the_results_add_up_to_the_calls(world: World) {
        const CALLERS: u64 = 8;
        const CALLS: u64 = 100;
        let books = Books::over(&world.cache);
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let books = books.clone();
            let refuses = Books { refuses: true, ..books.clone() };
            callers.spawn(async move {
                for call in 0..CALLS {
                    let id = fastrand::u64(0..5);
                    match (caller + call) % 8 {
                        0 | 1 => drop(books.find(id).await),
                        2 => drop(refuses.find(id).await),
                        3 => drop(books.near(id).await),
                        4 => drop(books.old(id).await),
                        5 => drop(books.clone().older(id).await),
                        6 => drop(books.many(&[id, id + 1, id + 7]).await),
                        _ => books.change(id).await,
                    }
                    if call % 10 == 0 {
                        sleep(Duration::from_millis(3)).await;
                    }
                }
            });
        }
        callers.join_all().await;
        let stats = books.cache.stats();
        let each = CALLERS * CALLS / 8;
        let calls = [("find", 3 * each), ("near", each), ("old", each), ("older", each), ("many", 3 * each)];
        for (name, calls) in calls {
            let function = stats.function(name).expect(name);
            assert_eq!(function.requests.total(), calls, "{name}: {:?}", function.requests);
            assert_eq!(function.hits + function.misses + function.bypasses, calls, "{function:?}");
            assert_eq!(function.load_latency.count(), function.loads, "{function:?}");
        }
        assert_eq!(stats.function("change").expect("it was called").requests.total(), 0, "a writer asks for nothing");
        let total = stats.total();
        assert_eq!((total.requests.total(), total.requests.error), (calls.iter().map(|(_, calls)| calls).sum(), 0));
        assert!(total.requests.by_result().filter(|(name, _)| *name != "error").all(|(_, calls)| calls > 0), "{stats}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_every_call_is_an_error_and_none_is_lost() {
    let mut redis = Redis::start();
    let books = Books::over(&redis.cache());
    books.find(1).await.expect("no load fails");
    redis.kill();
    for id in 1..=20 {
        books.find(id % 4 + 1).await.expect("the body answers");
    }
    assert_eq!(books.many(&[1, 2]).await.map(|found| found.len()), Ok(2));
    assert_eq!(counted(books.requests("find")), [("miss", 1), ("error", 20)]);
    assert_eq!(counted(books.requests("many")), [("error", 2)]);
    let total = books.cache.stats().total();
    assert_eq!((total.hit_ratio(), total.misses), (Some(0.0), 23));
}

#[tokio::test]
async fn how_long_loads_take_is_told_per_function() {
    let books = Books { gate: Gate::closed(), ..Books::over(&Cache::in_memory()) };
    let ((), found) = tokio::join!(
        async {
            books.gate.entered(1).await;
            sleep(Duration::from_millis(30)).await;
            books.gate.open();
        },
        books.find(1)
    );
    found.expect("no load fails");
    let slow = books.cache.stats().function("find").expect("it was called").load_latency.clone();
    assert_eq!(slow.count(), 1);
    assert!(slow.sum() >= Duration::from_millis(30), "{slow:?}");
    assert!(slow.p50() >= Some(Duration::from_millis(24)) && slow.p99() < Some(Duration::from_secs(10)), "{slow:?}");
    let refuses = Books { refuses: true, ..books.clone() };
    refuses.find(2).await.expect_err("refused");
    assert_eq!(books.cache.stats().function("find").expect("it was called").load_latency.count(), 2, "errors too");
}

#[tokio::test]
async fn the_inventory_has_what_the_annotations_say() {
    let books = Books::over(&Cache::in_memory());
    assert!(books.cache.inventory().is_empty());
    books.find(1).await.expect("no load fails");
    books.old(1).await.expect("no load fails");
    books.change(1).await;
    let found = books.cache.inventory();
    let said: Vec<_> =
        found.iter().map(|it| (it.template, it.reads, it.ttl.as_deref(), it.options.join(", "))).collect();
    assert_eq!(
        said,
        [
            ("book:<id>", false, None, String::new()),
            ("book:<id>", true, Some("1m"), "mutex".to_owned()),
            ("old:<id>", true, Some("20ms"), "mutex(lease = \"100ms\"), stale = \"1m\", early = off".to_owned()),
        ]
    );
    assert!(found.iter().all(|it| it.file.ends_with("counted.rs") && it.line > 0), "{found:?}");
}
