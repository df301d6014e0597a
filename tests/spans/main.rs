//! What is traced: one span per call, with what it was answered with, and never with its key.

mod subscribed;

#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Cache, cached};
use tokio::time::sleep;
use tracing::Level;

use crate::subscribed::Subscribed;
use crate::support::{Count, Redis, eventually};

/// In every key.
const SECRET: &str = "hunter2";

#[derive(Clone)]
struct Books {
    cache: Cache,
    loads: Count,
}

impl Books {
    fn over(cache: Cache) -> Self {
        Self { cache, loads: Count::default() }
    }

    fn load(&self) -> u64 {
        tracing::info!("a query");
        self.loads.add()
    }

    #[cached(key = "book:<name>:<id>", ttl = 60, mutex, when = id > 0, cache = &self.cache)]
    async fn find(&self, name: &str, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        Ok(self.load())
    }

    #[cached(key = "blocking:<name>", ttl = 60, cache = &self.cache)]
    fn find_blocking(&self, name: &str) -> u64 {
        self.load()
    }

    #[cached(key = "near:<name>", ttl = 60, local, cache = &self.cache)]
    async fn near(&self, name: &str) -> u64 {
        self.load()
    }

    #[cached(
        key = "old:<name>", ttl = "20ms", stale = "60s", early = off, refresh = background, cache = self.cache.clone()
    )]
    async fn old(self, name: String) -> u64 {
        self.load()
    }

    #[cached(key = "book:<name>:<id>", ttl = 60, each = id in ids, cache = &self.cache)]
    async fn many(&self, name: &str, ids: &[u64]) -> HashMap<u64, u64> {
        let load = self.load();
        ids.iter().map(|id| (*id, load)).collect()
    }

    /// Every way to be answered but an error.
    async fn go_round(&self) {
        for id in [1, 1, 0] {
            self.find(SECRET, id).await.expect("no load fails");
        }
        for _ in 0..3 {
            self.near(SECRET).await;
        }
        self.many(SECRET, &[1, 2, 3]).await;
        self.many(SECRET, &[1, 2, 3]).await;
    }
}

#[tokio::test]
async fn each_call_is_a_span_with_its_result_and_what_the_body_traces_is_inside() {
    let (subscribed, _guard) = Subscribed::at(Level::DEBUG);
    let books = Books::over(Cache::in_memory());
    books.go_round().await;
    assert_eq!(subscribed.results(), ["miss", "hit", "bypass", "miss", "hit", "hit_local", "miss", "hit"]);
    let spans = subscribed.spans();
    for (span, (name, template, keys)) in spans.iter().zip([
        ("find", "book:<name>:<id>", None),
        ("find", "book:<name>:<id>", None),
        ("find", "book:<name>:<id>", None),
        ("near", "near:<name>", None),
        ("near", "near:<name>", None),
        ("near", "near:<name>", None),
        ("many", "book:<name>:<id>", Some("3")),
        ("many", "book:<name>:<id>", Some("3")),
    ]) {
        assert_eq!((span.name.as_str(), span.level, span.inside), ("cache", Level::DEBUG, None), "{span:?}");
        assert!(span.fields["cache.name"].ends_with(&format!("::{name}")), "{span:?}");
        assert_eq!(span.fields["cache.key_template"], template);
        assert_eq!(span.fields.get("cache.keys").map(String::as_str), keys);
    }
    let told = subscribed.told();
    let queries = told.iter().filter(|told| told.is_event);
    let around: Vec<_> =
        queries.map(|query| told[query.inside.expect("a call")].fields["cache.result"].clone()).collect();
    assert_eq!(around, ["miss", "bypass", "miss", "miss"], "{told:?}");
}

#[tokio::test]
async fn a_key_is_told_at_trace_and_nowhere_else() {
    for level in [Level::DEBUG, Level::TRACE] {
        let (subscribed, _guard) = Subscribed::at(level);
        Books::over(Cache::in_memory()).go_round().await;
        let told = subscribed.told();
        let with_it: Vec<_> = told.iter().filter(|told| format!("{told:?}").contains(SECRET)).collect();
        assert!(with_it.iter().all(|told| told.level == Level::TRACE), "{with_it:?}");
        assert_eq!(with_it.is_empty(), level == Level::DEBUG);
        for told in with_it {
            assert!(told.fields["cache.key"].contains(SECRET), "{told:?}");
        }
    }
}

#[test]
fn a_blocking_call_is_traced_alike() {
    let (subscribed, _guard) = Subscribed::at(Level::DEBUG);
    let books = Books::over(Cache::in_memory());
    books.find_blocking(SECRET);
    books.find_blocking(SECRET);
    assert_eq!(subscribed.results(), ["miss", "hit"]);
    let told = subscribed.told();
    let query = told.iter().find(|told| told.is_event).expect("a query");
    assert_eq!(query.inside, Some(0));
}

#[tokio::test]
async fn a_refresh_in_the_background_has_a_span_of_its_own_after_that_of_its_call() {
    let (subscribed, _guard) = Subscribed::at(Level::DEBUG);
    let books = Books::over(Cache::in_memory());
    books.clone().old(SECRET.to_owned()).await;
    sleep(Duration::from_millis(40)).await;
    books.clone().old(SECRET.to_owned()).await;
    assert_eq!(subscribed.results(), ["miss", "stale"], "it does not wait for the refresh");
    eventually("the refresh", async || books.cache.stats().total().stores == 2).await;
    let refreshed = |subscribed: &Subscribed| subscribed.spans().pop().expect("a span");
    eventually("its end", async || refreshed(&subscribed).over).await;
    let refresh = refreshed(&subscribed);
    assert_eq!((refresh.name.as_str(), refresh.inside), ("cache.refresh", None), "{refresh:?}");
    assert!(refresh.fields.contains_key("follows"), "{refresh:?}");
}

#[tokio::test]
async fn while_the_server_is_away_calls_are_errors() {
    let mut redis = Redis::start();
    let books = Arc::new(Books::over(redis.cache()));
    books.find(SECRET, 1).await.expect("no load fails");
    redis.kill();
    let (subscribed, _guard) = Subscribed::at(Level::DEBUG);
    for _ in 0..5 {
        books.find(SECRET, 1).await.expect("the body answers");
    }
    assert_eq!(subscribed.results(), ["error"; 5]);
    assert!(!format!("{:?}", subscribed.told()).contains(SECRET));
}
