//! What is logged: each change of state once, however many calls notice it, through `tracing` and not through `log` as
//! well, and nothing that a key or a URL keeps to itself. One test: subscribers are for the whole process.

#[path = "support/mod.rs"]
mod support;

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cached_runtime::{Cache, Health, Policy, key};
use support::{Redis, eventually};
use tokio::task::JoinSet;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// In every key and in the URL.
const SECRET: &str = "hunter2";

static EVENTS: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Subscribed;

/// An event with all of its fields.
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

impl Subscriber for Subscribed {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The rendered keys are told at `trace`.
        metadata.target().starts_with("cached_runtime") && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words(String::new());
        event.record(&mut words);
        let mut events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
        events.push((*event.metadata().level(), words.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("cached_runtime")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LOGGED.lock().unwrap_or_else(PoisonError::into_inner).push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// The events since the last time, of which each of these must be one, and there must be no other.
fn were(expected: &[(Level, &str)]) {
    let events = std::mem::take(&mut *EVENTS.lock().unwrap_or_else(PoisonError::into_inner));
    for (level, words) in expected {
        let alike = events.iter().filter(|(of, event)| of == level && event.contains(words)).count();
        assert_eq!(alike, 1, "`{words}` in {events:#?}");
    }
    assert_eq!(events.len(), expected.len(), "{events:#?}");
    for (_, event) in &events {
        assert!(!event.contains(SECRET), "{event}");
    }
}

/// A thousand calls of as many keys, eight at a time.
async fn call(cache: &Cache) {
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let cache = cache.clone();
        callers.spawn(async move {
            for call in 0..125 {
                let (policy, id) = (Policy::ttl(Duration::from_secs(60)).mutex(), format!("{SECRET}:{caller}:{call}"));
                let answer = cache.get_or_load(key!("row:<id>"), policy, || async { Ok::<_, String>(1_u64) }).await;
                assert_eq!(answer, Ok(1));
            }
        });
    }
    callers.join_all().await;
}

async fn is_up(cache: &Cache) {
    eventually("it is used again", async || {
        call(cache).await;
        cache.health() == Health::Up
    })
    .await;
    // The connection is announced after the breaker has closed.
    let connected = || {
        let events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().any(|(_, event)| event.contains("connected to"))
    };
    eventually("it is connected", async || connected()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_state_is_one_event_without_a_key_or_a_password() {
    tracing::subscriber::set_global_default(Subscribed).expect("the only subscriber");
    log::set_logger(&Logger).expect("the only logger");
    log::set_max_level(log::LevelFilter::Trace);
    let mut redis = Redis::start();
    redis.command::<()>(&["ACL", "SETUSER", "default", "on", &format!(">{SECRET}"), "nopass"]);
    let url = redis.url().replace("redis://", &format!("redis://default:{SECRET}@"));
    let cache = Cache::builder().redis(url).prefix("test").build().expect("a cache");
    call(&cache).await;
    were(&[]);

    redis.kill();
    call(&cache).await;
    for id in 0..3 {
        assert!(cache.invalidate(&key!("row:<id>")).await.is_err());
    }
    eventually("it is given up", async || cache.stats().breaker_open).await;
    call(&cache).await;
    redis.restart();
    is_up(&cache).await;
    were(&[
        (Level::WARN, "does not answer; calls run uncached"),
        (Level::WARN, "no connection to"),
        (Level::WARN, "an invalidation was not delivered"),
        (Level::INFO, "is another server than before"),
        (Level::INFO, "all invalidations are delivered"),
        (Level::INFO, "is used again"),
        (Level::INFO, "connected to"),
    ]);

    redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    call(&cache).await;
    eventually("it is tried", async || {
        call(&cache).await;
        EVENTS.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(_, event)| event.contains("no connection"))
    })
    .await;
    redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    is_up(&cache).await;
    were(&[
        (Level::WARN, "refuses writes; calls run uncached"),
        (Level::WARN, "no connection to"),
        (Level::INFO, "is used again"),
        (Level::INFO, "connected to"),
    ]);

    redis.kill();
    call(&cache).await;
    for id in 0..10_100 {
        assert!(cache.invalidate(&key!("row:<id>")).await.is_err());
    }
    redis.restart();
    is_up(&cache).await;
    were(&[
        (Level::WARN, "does not answer; calls run uncached"),
        (Level::WARN, "no connection to"),
        (Level::WARN, "an invalidation was not delivered"),
        (Level::WARN, "more than 10000 invalidations wait"),
        (Level::INFO, "is another server than before"),
        (Level::INFO, "all invalidations are delivered"),
        (Level::INFO, "is used again"),
        (Level::INFO, "connected to"),
    ]);
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(logged.is_empty(), "said twice: {logged:?}");
}
