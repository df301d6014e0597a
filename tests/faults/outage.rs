//! Redis gone: killed under load, or never there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::service::{DEADLINE, RECOVERY, SLACK, Service};
use crate::support::{Count, Redis, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_callers_each_gets_a_fresh_value_in_time_and_hits_come_back_with_the_server() {
    let redis = Redis::start();
    let service = Service::over(redis.cache());
    killed_under_callers(redis, [service.clone(), service]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_the_waiters_of_two_processes_each_gets_a_fresh_value_in_time_as_well() {
    let redis = Redis::start();
    let service = Service::over(redis.cache()).mutex();
    let other = service.through(redis.cache());
    killed_under_callers(redis, [service, other]).await;
}

async fn killed_under_callers(mut redis: Redis, services: [Service; 2]) {
    let service = services[0].clone();
    let (stop, answers) = (Arc::new(AtomicBool::new(false)), Count::default());
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let service = services[caller % 2].clone();
        let (stop, answers) = (Arc::clone(&stop), answers.clone());
        callers.spawn(async move {
            let mut slowest = Duration::ZERO;
            while !stop.load(Ordering::SeqCst) {
                let answer = service.read(&format!("{}", caller / 2 % 4)).await;
                // Nothing of before the outage can be served in it or after it: the new server is empty.
                assert!(answer.value >= answer.row, "stale: {answer:?}");
                slowest = slowest.max(answer.took);
                answers.add();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            slowest
        });
    }
    eventually("hits before the outage", async || service.cache.stats().total().hits > 100).await;

    redis.kill();
    service.write();
    let before = answers.get();
    eventually("answers during the outage", async || answers.get() > before + 1_000).await;
    assert!(service.loads.get() > 100, "the bodies ran");

    redis.restart();
    let hits = service.cache.stats().total().hits;
    let began = Instant::now();
    eventually("hits after the restart", async || service.cache.stats().total().hits > hits).await;
    let recovery = began.elapsed();
    stop.store(true, Ordering::SeqCst);
    for slowest in callers.join_all().await {
        // Two callers of a key share loads, and a load that began before a call is not for that call: so up to the
        // rest of one load and one more.
        assert!(slowest < DEADLINE + service.load * 2 + SLACK, "a call took {slowest:?}");
    }
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_connection_does_not_cost_the_deadline() {
    let mut redis = Redis::start();
    let service = Service::over(redis.cache()).loading_for(Duration::ZERO);
    service.until_hit("k").await;
    redis.kill();
    // The first may find the connection dead before the supervisor does.
    service.uncached("k").await;
    let mut took = Vec::new();
    for _ in 0..500 {
        took.push(service.uncached("k").await.took);
    }
    took.sort();
    assert!(took[250] < Duration::from_millis(1), "half of the calls took {:?} or more", took[250]);
    assert!(took[475] < Duration::from_millis(20), "one in twenty calls took {:?} or more", took[475]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_long_outage_hits_come_back_as_soon_as_after_a_short_one() {
    let mut redis = Redis::start();
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    redis.kill();
    // Long enough for a back-off without a bound to have grown past what is promised.
    let until = Instant::now() + Duration::from_secs(8);
    while Instant::now() < until {
        service.uncached("k").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    redis.restart();
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_built_while_the_server_is_down_serves_bodies_and_then_hits() {
    let mut redis = Redis::start();
    redis.kill();
    let service = Service::over(redis.builder().build().expect("a server that is down is no error")).mutex();
    service.uncached_times("k", 20).await;
    redis.restart();
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_of_a_load_get_its_value_when_the_server_dies_under_it() {
    let mut redis = Redis::start();
    let service = Service::over(redis.cache()).mutex().loading_for(Duration::from_millis(300));
    // Waits for the lease over Redis, not for the load in memory.
    let other = service.through(redis.cache());
    let mut callers = JoinSet::new();
    for (service, loads) in [(&service, 1), (&other, 1)] {
        for _ in 0..10 {
            let service = service.clone();
            callers.spawn(async move { service.read("k").await });
        }
        eventually("the load", async || service.loads.get() == loads).await;
    }
    eventually("a waiter in the other process", async || other.cache.stats().total().lock_waits > 0).await;
    redis.kill();
    let killed = Instant::now();
    for answer in callers.join_all().await {
        assert_eq!(answer.value, 1);
    }
    // The waiters of the other process lose the lease that they watched, and load for themselves.
    assert!(killed.elapsed() < DEADLINE * 2 + service.load + SLACK, "{:?}", killed.elapsed());
    assert!(service.loads.get() <= 3, "{} loads", service.loads.get());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_that_cannot_be_delivered_says_so() {
    let mut redis = Redis::start();
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    redis.kill();
    assert!(service.invalidate("k").await.is_err());
    redis.restart();
    eventually("an invalidation", async || service.invalidate("k").await.is_ok()).await;
}
