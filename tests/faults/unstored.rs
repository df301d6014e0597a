//! A store that fails between the lookup and the fill never loses the value that was loaded.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use cached_runtime::key;
use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::service::{DEADLINE, RECOVERY, SLACK, Service};
use crate::support::{Redis, eventually};

/// Brings the fault about while a load is under way: its caller and those who follow it get the value, and once
/// the fault is over the key is a hit again.
async fn the_value_is_kept(fault: impl Fn(&mut Redis, &mut Admin), repair: impl Fn(&mut Redis, &mut Admin)) {
    for mutex in [false, true] {
        let mut redis = Redis::start();
        let mut admin = Admin::of(&redis);
        let service = Service::over(redis.cache()).loading_for(Duration::from_millis(200));
        let service = if mutex { service.mutex() } else { service };
        let mut callers = JoinSet::new();
        for _ in 0..5 {
            let service = service.clone();
            callers.spawn(async move { service.read("k").await });
        }
        eventually("the load", async || service.loads.get() > 0).await;
        fault(&mut redis, &mut admin);
        let since = Instant::now();
        while let Some(answer) = callers.join_next().await {
            assert_eq!(answer.expect("no panic").value, 1);
            // The load and its fill; for a caller that came after the load began, one more of each.
            assert!(since.elapsed() < (service.load + DEADLINE) * 2 + SLACK, "{:?}", since.elapsed());
        }
        assert!(service.loads.get() <= 2, "{} loads of one key at a time", service.loads.get());
        repair(&mut redis, &mut admin);
        let fast = service.clone().loading_for(Duration::ZERO);
        let recovery = fast.until_hit("k").await;
        assert!(recovery < RECOVERY, "hits after {recovery:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_fill_finds_the_server_dead_is_returned() {
    the_value_is_kept(|redis, _| redis.kill(), |redis, _| redis.restart()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_fill_is_not_answered_is_returned() {
    the_value_is_kept(|redis, _| redis.pause(), |redis, _| redis.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_fill_finds_no_memory_is_returned() {
    the_value_is_kept(
        |_, admin| {
            admin.config("maxmemory-policy", "noeviction");
            admin.config("maxmemory", "1");
        },
        |_, admin| admin.config("maxmemory", "0"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_fill_is_refused_is_returned() {
    the_value_is_kept(
        |_, admin| admin.config("min-replicas-to-write", "1"),
        |_, admin| admin.config("min-replicas-to-write", "0"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_fill_finds_a_list_is_returned() {
    the_value_is_kept(
        |_, admin| {
            admin.must(&["DEL", &Service::entry("k")]);
            admin.must(&["RPUSH", &Service::entry("k"), "1"]);
        },
        |_, _| {},
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_whose_lease_was_overwritten_is_returned_and_does_not_overwrite() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex().loading_for(Duration::from_millis(100));
    let loading = tokio::spawn({
        let service = service.clone();
        async move { service.read("k").await }
    });
    eventually("the load", async || service.loads.get() == 1).await;
    admin.must(&["SET", &Service::entry("k"), "somebody else's", "PX", "60000"]);
    assert_eq!(loading.await.expect("no panic").value, 1);
    assert_eq!(service.cache.stats().total().late_fills, 1);
    assert_eq!(admin.bytes(&Service::entry("k")).as_deref(), Some(&b"somebody else's"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_could_not_be_given_back_is_given_back_by_the_next_connection() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    // So long that nobody who waits for its end is in time.
    let service = Service::over(redis.cache()).mutex().lease(Duration::from_secs(8));
    service.until_hit("warm").await;
    let stored = service.cache.stats().total().stores;
    let id = "k";
    let value = service
        .cache
        .get_or_load(key!("row:<id>"), service.policy, || async {
            // Neither the fill nor the release reaches the server.
            admin.must(&["CLIENT", "KILL", "TYPE", "normal"]);
            Ok::<_, Infallible>(7_u64)
        })
        .await;
    assert_eq!(value, Ok(7));
    assert_eq!(service.cache.stats().total().stores, stored, "the fault did not bite");
    let other = service.through(redis.cache());
    let answer = other.read(id).await;
    assert_eq!(answer.value, answer.row);
    assert!(answer.took < RECOVERY, "{answer:?}");
    other.hit(id).await;
}
