//! Redis that hangs: its sockets stay open, its answers do not come.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::service::{DEADLINE, RECOVERY, SLACK, Service};
use crate::support::{Redis, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_costs_each_call_no_more_than_the_deadline() {
    let redis = Redis::start();
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    redis.pause();
    service.write();
    let first = service.uncached("k").await;
    assert!(first.took >= DEADLINE, "the server answered while it was stopped: {first:?}");
    service.uncached_times("k", 2).await;
    // From here on it is known to hang.
    service.uncached_times("k", 20).await;
    redis.resume();
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_server_is_known_to_hang_calls_do_not_wait_for_it() {
    let redis = Redis::start();
    let service = Service::over(redis.cache()).loading_for(Duration::ZERO);
    service.until_hit("k").await;
    redis.pause();
    eventually("calls at once", async || service.uncached("k").await.took < DEADLINE / 10).await;
    let began = Instant::now();
    service.uncached_times("k", 100).await;
    // A hundred deadlines would be 10 s.
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    redis.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_built_over_a_stopped_server_serves_bodies_and_then_hits() {
    let redis = Redis::start();
    redis.pause();
    let service = Service::over(redis.cache());
    service.uncached_times("k", 10).await;
    redis.resume();
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_one_key_of_a_stopped_server_gets_its_values_in_time() {
    let redis = Redis::start();
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("warm").await;
    redis.pause();
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let service = service.clone();
        callers.spawn(async move { service.read("cold").await });
    }
    for answer in callers.join_all().await {
        assert_eq!(answer.value, answer.row);
        assert!(answer.took < DEADLINE + service.load + SLACK, "{answer:?}");
    }
    redis.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_first_asked_for_while_the_server_hung_is_stored_soon_after() {
    let redis = Redis::start();
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("warm").await;
    redis.pause();
    // These acquisitions were sent: the server will carry them out when it goes on, though nobody waits for them.
    for id in ["a", "b"] {
        service.uncached(id).await;
    }
    redis.resume();
    service.until_hit("warm").await;
    for id in ["a", "b"] {
        let recovery = service.until_hit(id).await;
        assert!(recovery < RECOVERY, "`{id}` is a hit after {recovery:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_of_another_process_do_not_hang_with_the_server() {
    let redis = Redis::start();
    let service = Service::over(redis.cache()).mutex().loading_for(Duration::from_millis(200));
    let other = service.through(redis.cache());
    let loading = tokio::spawn({
        let service = service.clone();
        async move { service.read("k").await }
    });
    eventually("a lease", async || service.loads.get() == 1).await;
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { other.read("k").await }
    });
    eventually("a waiter", async || other.cache.stats().total().lock_waits == 1).await;
    redis.pause();
    let paused = Instant::now();
    assert_eq!(loading.await.expect("no panic").value, 1);
    assert_eq!(waiting.await.expect("no panic").value, 1);
    // The waiter's push does not come; it notices at the lease's end (2 s) at the latest.
    let worst = Duration::from_secs(2) + DEADLINE * 2 + service.load + SLACK;
    assert!(paused.elapsed() < worst, "{:?}", paused.elapsed());
    redis.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_writes_costs_each_call_no_more_than_the_deadline() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    admin.must(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    service.write();
    service.uncached_times("k", 9).await;
    admin.must(&["CLIENT", "UNPAUSE"]);
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_is_all_that_a_hanging_server_costs() {
    let redis = Redis::start();
    let mut services = Vec::new();
    for _ in 0..5 {
        let service = Service::over(redis.cache()).loading_for(Duration::ZERO);
        service.until_hit("k").await;
        services.push(service);
    }
    redis.pause();
    let mut took = Vec::new();
    for service in &services {
        took.push(service.uncached("k").await.took);
    }
    redis.resume();
    // The quickest: what the machine adds to the others says nothing.
    let took = took.into_iter().min().expect("calls");
    assert!(took >= DEADLINE - DEADLINE / 10, "it gave up after {took:?}");
    assert!(took <= DEADLINE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sleeps_costs_each_call_no_more_than_the_deadline() {
    let redis = Redis::start();
    let mut sleeper = Admin::of(&redis);
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    let asleep = std::thread::spawn(move || sleeper.must(&["DEBUG", "SLEEP", "2"]));
    eventually("it sleeps", async || service.read("k").await.loaded).await;
    service.write();
    while !asleep.is_finished() {
        let answer = service.read("k").await;
        assert!(answer.took < DEADLINE + service.load + SLACK, "{answer:?}");
        assert!(!answer.loaded || answer.value == answer.row, "{answer:?}");
    }
    asleep.join().expect("no panic");
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}
