//! What `health()` and `stats()` say while something is wrong, and that they take it back.

use cached_runtime::{Cache, Health};

use crate::admin::Admin;
use crate::service::Service;
use crate::support::{Redis, eventually};

/// What is to be seen of a fault.
enum Seen {
    /// Every call runs its body.
    Down,
    /// With these words for a reason, and the breaker open or not.
    Degraded(&'static str, bool),
}

/// Up before, as `seen` while the fault lasts, up again afterwards.
async fn is_seen(
    seen: Seen,
    cache: impl Fn(&Redis) -> Cache,
    begin: impl Fn(&mut Redis, &mut Admin),
    end: impl Fn(&mut Redis, &mut Admin),
) {
    let mut redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(cache(&redis)).mutex();
    service.until_hit("k").await;
    assert_eq!(service.cache.health(), Health::Up);
    assert_eq!((service.cache.stats().breaker_open, service.cache.stats().breaker_opened), (false, 0));

    begin(&mut redis, &mut admin);
    let mut call = 0;
    eventually("it is noticed", async || {
        // Keys that are there and keys that are not.
        call += 1;
        service.read("k").await;
        service.read(&format!("new:{call}")).await;
        service.cache.health() != Health::Up
    })
    .await;
    let (health, stats) = (service.cache.health(), service.cache.stats());
    let open = match seen {
        Seen::Down => {
            assert_eq!(health, Health::Down);
            true
        }
        Seen::Degraded(words, open) => {
            assert!(matches!(&health, Health::Degraded { reason } if reason.contains(words)), "{health:?}");
            open
        }
    };
    assert_eq!((stats.breaker_open, stats.breaker_opened), (open, u64::from(open)));

    end(&mut redis, &mut admin);
    eventually("it is taken back", async || {
        service.read("k").await;
        service.cache.health() == Health::Up
    })
    .await;
    assert!(!service.cache.stats().breaker_open);
    service.until_hit("k").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_down() {
    is_seen(Seen::Down, Redis::cache, |redis, _| redis.kill(), |redis, _| redis.restart()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_server_is_down() {
    is_seen(Seen::Down, Redis::cache, |redis, _| redis.pause(), |redis, _| redis.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_writes_are_paused_is_down() {
    is_seen(
        Seen::Down,
        Redis::cache,
        |_, admin| admin.must(&["CLIENT", "PAUSE", "60000", "WRITE"]),
        |_, admin| admin.must(&["CLIENT", "UNPAUSE"]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_writes_is_degraded() {
    is_seen(
        Seen::Degraded("refuses writes", true),
        Redis::cache,
        |_, admin| admin.must(&["REPLICAOF", "127.0.0.1", "1"]),
        |_, admin| admin.must(&["REPLICAOF", "NO", "ONE"]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_is_degraded() {
    is_seen(
        Seen::Degraded("out of memory", false),
        Redis::cache,
        |_, admin| admin.config("maxmemory", "1"),
        |_, admin| admin.config("maxmemory", "0"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_permission_is_degraded() {
    let logging_in = |redis: &Redis| {
        Admin::of(redis).must(&["ACL", "SETUSER", "user", "on", ">pass", "~*", "+@all"]);
        let url = redis.url().replace("redis://", "redis://user:pass@");
        Cache::builder().redis(url).prefix("test").build().expect("a cache")
    };
    is_seen(
        Seen::Degraded("NOPERM", false),
        logging_in,
        |_, admin| admin.must(&["ACL", "SETUSER", "user", "-@scripting"]),
        |_, admin| admin.must(&["ACL", "SETUSER", "user", "+@all"]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalidations_that_wait_are_counted_and_degrade_it() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    // Everything but the deletions of writers.
    admin.must(&["ACL", "SETUSER", "user", "on", ">pass", "~*", "+@all", "-del"]);
    let url = redis.url().replace("redis://", "redis://user:pass@");
    let service = Service::over(Cache::builder().redis(url).prefix("test").build().expect("a cache"));
    service.until_hit("k").await;
    assert!(service.invalidate("k").await.is_err());
    let health = service.cache.health();
    assert!(matches!(&health, Health::Degraded { reason } if reason.contains("1 invalidations")), "{health:?}");
    assert_eq!((service.cache.stats().queued, service.cache.stats().breaker_open), (1, false));
    admin.must(&["ACL", "SETUSER", "user", "+@all"]);
    eventually("it is delivered", async || service.cache.stats().queued == 0).await;
    eventually("it is taken back", async || service.cache.health() == Health::Up).await;
}
