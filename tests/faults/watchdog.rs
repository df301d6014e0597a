//! Loads longer than their lease: renewed while they run, up to the time they may take.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::expiry::Expiry;
use crate::service::{DEADLINE, SLACK, Service, patient};
use crate::support::{Redis, eventually};

const LEASE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_of_several_leases_runs_once_for_the_waiters_of_two_processes() {
    let redis = Redis::start();
    let expiry = Expiry::watch(&redis);
    let service = Service::over(patient(&redis)).mutex().lease(LEASE).loading_for(Duration::from_millis(1_500));
    let other = service.through(patient(&redis));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        for service in [&service, &other] {
            let service = service.clone();
            callers.spawn(async move { service.read("k").await });
        }
    }
    for answer in callers.join_all().await {
        assert_eq!(answer.value, 1);
        assert!(answer.took < service.load + SLACK, "{answer:?}");
    }
    assert_eq!(service.loads.get(), 1);
    let stats: String = redis.command(&["INFO", "commandstats"]);
    let renewals = stats.lines().find_map(|line| line.strip_prefix("cmdstat_pexpire:calls=")?.split(',').next());
    // One for each third of the lease, less what a busy machine is late; and a few for stamps.
    assert!((10..=20).contains(&renewals.expect("a figure").parse().expect("a number")), "{renewals:?} renewals");
    assert_eq!(service.hit("k").await, 1);
    expiry.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_longer_than_its_load_timeout_loses_its_lease_and_keeps_its_value() {
    let redis = Redis::start();
    let mut slow = Service::over(patient(&redis)).mutex().lease(LEASE).loading_for(Duration::from_millis(2_500));
    let patience = Duration::from_millis(600);
    slow.policy = slow.policy.load_timeout(patience);
    let quick = slow.through(patient(&redis)).loading_for(Duration::from_millis(10));
    let began = Instant::now();
    let loading = tokio::spawn({
        let slow = slow.clone();
        async move { slow.read("k").await }
    });
    eventually("the load", async || slow.loads.get() == 1).await;
    let fresh = slow.write();
    let taken_over = quick.read("k").await;
    assert!(taken_over.loaded);
    assert_eq!(taken_over.value, fresh);
    assert!(began.elapsed() >= patience, "taken over after {:?}", began.elapsed());
    assert!(began.elapsed() < patience + quick.load + SLACK, "taken over after {:?}", began.elapsed());

    let late = loading.await.expect("no panic");
    assert_eq!(late.value, 1, "its own caller has its value");
    assert_eq!(slow.cache.stats().total().late_fills, 1);
    assert_eq!(quick.hit("k").await, fresh, "the late value replaced the newer one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_never_brings_back_a_lease_that_an_invalidation_revoked() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().lease(LEASE).loading_for(LEASE * 3);
    let loading = tokio::spawn({
        let service = service.clone();
        async move { service.read("k").await }
    });
    eventually("the load", async || service.loads.get() == 1).await;
    service.invalidate("k").await.expect("an invalidation");
    let invalidated = Instant::now();
    while invalidated.elapsed() < LEASE * 2 {
        assert_eq!(admin.bytes(&Service::entry("k")), None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(loading.await.expect("no panic").value, 1);
    assert_eq!(admin.bytes(&Service::entry("k")), None, "a revoked load stored its value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_for_a_moment_does_not_lose_the_lease() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let lease = Duration::from_millis(900);
    let service = Service::over(patient(&redis)).mutex().lease(lease).loading_for(lease * 2);
    let loading = tokio::spawn({
        let service = service.clone();
        async move { service.read("k").await }
    });
    eventually("the load", async || service.loads.get() == 1).await;
    let holder = admin.bytes(&Service::entry("k"));
    let began = Instant::now();
    while began.elapsed() < lease {
        admin.must(&["CLIENT", "KILL", "TYPE", "normal"]);
        tokio::time::sleep(lease / 4).await;
    }
    assert_eq!(admin.bytes(&Service::entry("k")), holder);
    assert_eq!(loading.await.expect("no panic").value, 1);
    let stats = service.cache.stats().total();
    assert_eq!((stats.stores, stats.late_fills), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_blocks_its_runtime_past_the_lease_costs_a_load_and_nothing_else() {
    let redis = Redis::start();
    let service = Service::over(patient(&redis)).mutex().lease(LEASE);
    let blocked = service.clone();
    // A current-thread runtime whose only thread sleeps: its watchdog cannot renew.
    let holder = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let id = "k";
        let value =
            runtime.block_on(blocked.cache.get_or_load(cached_runtime::key!("row:<id>"), blocked.policy, || async {
                blocked.loads.add();
                std::thread::sleep(LEASE * 6);
                Ok::<_, std::convert::Infallible>(1_u64)
            }));
        assert_eq!(value, Ok(1));
    });
    eventually("the load", async || service.loads.get() == 1).await;
    let other = service.through(patient(&redis));
    let fresh = other.write();
    let answer = other.read("k").await;
    assert_eq!(answer.value, fresh);
    assert!(answer.took < LEASE + DEADLINE + other.load + SLACK, "{answer:?}");
    tokio::task::spawn_blocking(|| holder.join()).await.expect("no panic").expect("no panic");
    assert_eq!(service.loads.get(), 2);
    assert_eq!(other.hit("k").await, fresh);
}
