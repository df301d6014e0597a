//! Processes that die or stop while they hold a lease.

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, invalidate, key};

use crate::admin::Admin;
use crate::child::{self, Child};
use crate::expiry::Expiry;
use crate::service::{DEADLINE, SLACK, Service, patient};
use crate::support::{Redis, eventually};

fn cache(url: &str) -> Cache {
    let patient = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2));
    patient.build().expect("a cache")
}

/// The child's part: takes the lease of `id` and loads until it is told to end.
async fn load_until_told(url: &str, id: &str, lease: Duration) {
    let cache = cache(url);
    let policy = Policy::ttl(Duration::from_secs(60)).mutex().lease(lease);
    let value = cache
        .get_or_load(key!("row:<id>"), policy, || async {
            child::say("loading");
            child::listen().await;
            Ok::<_, std::convert::Infallible>(7_u64)
        })
        .await;
    let stats = cache.stats().total();
    child::say(&format!("{value:?}, {} stored, {} too late", stats.stores, stats.late_fills));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_loader_is_replaced_within_its_lease() {
    let lease = Duration::from_secs(1);
    if let Some(arguments) = child::arguments() {
        return load_until_told(&arguments[0], &arguments[1], lease).await;
    }
    let redis = Redis::start();
    let (expiry, mut admin) = (Expiry::watch(&redis), Admin::of(&redis));
    for round in 0..4 {
        let id = format!("{round}");
        let this = "crash::a_killed_loader_is_replaced_within_its_lease";
        let mut child = Child::of(this, &[&redis.url(), &id], &[]);
        assert_eq!(child.says().await, "loading");
        assert!(admin.leased(&Service::entry(&id)), "the child holds no lease");

        let service = Service::over(patient(&redis)).mutex().lease(lease).loading_for(Duration::from_millis(50));
        let waiting = tokio::spawn({
            let (service, id) = (service.clone(), id.clone());
            async move { service.read(&id).await }
        });
        eventually("a waiter", async || service.cache.stats().total().lock_waits == 1).await;
        assert_eq!(service.loads.get(), 0, "loaded while the holder lived");
        child.signal("-KILL");
        let killed = Instant::now();
        let late = service.read(&id).await;
        let waited = waiting.await.expect("no panic");
        assert_eq!((late.value, waited.value), (1, 1));
        assert!(killed.elapsed() < lease + service.load + SLACK, "{:?}", killed.elapsed());
        assert_eq!(service.loads.get(), 1);
        assert_eq!(service.hit(&id).await, 1);
    }
    expiry.end();
}

/// How a value is refreshed as soon as it is there.
fn always_due(lease: Duration) -> Policy {
    Policy::ttl(Duration::from_millis(1)).stale(Duration::from_secs(60)).lease(lease)
}

/// The child's part: takes on the refresh of a value, and loads until it is killed.
async fn refresh_until_killed(url: &str, lease: Duration) {
    let load = || async {
        child::say("loading");
        child::listen().await;
        Ok::<_, std::convert::Infallible>(7_u64)
    };
    let _ = cache(url).get_or_load(key!("rate"), always_due(lease), load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_refresher_holds_nobody_up_and_is_replaced_within_its_lease() {
    let lease = Duration::from_secs(1);
    if let Some(arguments) = child::arguments() {
        return refresh_until_killed(&arguments[0], lease).await;
    }
    let redis = Redis::start();
    let cache = patient(&redis);
    let loads = crate::support::Count::default();
    let read = async || {
        let began = Instant::now();
        let load = || async { Ok::<_, std::convert::Infallible>(loads.add()) };
        let Ok(value) = cache.get_or_load(key!("rate"), always_due(lease), load).await;
        assert!(began.elapsed() < SLACK, "a read took {:?}", began.elapsed());
        value
    };
    assert_eq!(read().await, 1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let this = "crash::a_killed_refresher_holds_nobody_up_and_is_replaced_within_its_lease";
    let mut child = Child::of(this, &[&redis.url()], &[]);
    assert_eq!(child.says().await, "loading");
    let watched = Instant::now();
    // Longer than the lease, which a living refresher renews.
    while watched.elapsed() < lease * 3 / 2 {
        assert_eq!(read().await, 1, "refreshed while the refresher lived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.signal("-KILL");
    let killed = Instant::now();
    eventually("another refresher", async || read().await == 2).await;
    assert!(killed.elapsed() < lease + SLACK, "{:?}", killed.elapsed());
}

/// The child's part: many calls on few keys, loads and invalidations among them, until it is killed.
async fn work_until_killed(url: &str, lease: Duration) {
    let service = Service::over(cache(url)).mutex().lease(lease).loading_for(Duration::from_millis(2));
    child::say("working");
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let service = service.clone();
        workers.spawn(async move {
            for call in 0_u64.. {
                let id = format!("{}", (call + worker) % 5);
                service.read(&id).await;
                if call % 3 == 0 {
                    service.invalidate(&id).await.expect("an invalidation");
                }
            }
        });
    }
    workers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_moment_leaves_no_key_without_an_expiry_and_none_locked() {
    let lease = Duration::from_millis(300);
    if let Some(arguments) = child::arguments() {
        return work_until_killed(&arguments[0], lease).await;
    }
    let redis = Redis::start();
    let expiry = Expiry::watch(&redis);
    let service = Service::over(patient(&redis)).mutex().lease(lease);
    for round in 0..8 {
        let this = "crash::a_process_killed_at_any_moment_leaves_no_key_without_an_expiry_and_none_locked";
        let mut child = Child::of(this, &[&redis.url()], &[]);
        assert_eq!(child.says().await, "working");
        // Somewhere in its work.
        tokio::time::sleep(Duration::from_millis(20) + Duration::from_micros(1_730) * round).await;
        child.signal("-KILL");
        let killed = Instant::now();
        for id in 0..5 {
            service.read(&format!("{id}")).await;
        }
        // The five leases run out side by side.
        let worst = lease + service.load * 5 + DEADLINE + SLACK;
        assert!(killed.elapsed() < worst, "{:?} after a kill", killed.elapsed());
        for id in 0..5 {
            service.hit(&format!("{id}")).await;
        }
    }
    expiry.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_loader_cannot_overwrite_what_was_loaded_meanwhile_and_keeps_its_own_value() {
    let lease = Duration::from_millis(300);
    if let Some(arguments) = child::arguments() {
        return load_until_told(&arguments[0], &arguments[1], lease).await;
    }
    let redis = Redis::start();
    let expiry = Expiry::watch(&redis);
    let this = "crash::a_stopped_loader_cannot_overwrite_what_was_loaded_meanwhile_and_keeps_its_own_value";
    let mut child = Child::of(this, &[&redis.url(), "k"], &[]);
    assert_eq!(child.says().await, "loading");
    child.signal("-STOP");
    let stopped = Instant::now();

    let service = Service::over(patient(&redis)).mutex().lease(lease);
    let answer = service.read("k").await;
    assert!(answer.loaded);
    assert!(answer.took < lease + service.load + SLACK, "{answer:?}");
    tokio::time::sleep_until((stopped + lease * 3).into()).await;

    child.signal("-CONT");
    child.tell("go on");
    assert_eq!(child.says().await, "Ok(7), 0 stored, 1 too late");
    child.end().await;
    assert_eq!(service.hit("k").await, 1, "the stopped loader's value replaced the newer one");
    assert_eq!(service.loads.get(), 1);
    expiry.end();
}

/// The child's part: hides the row, and writes until it is told to end.
#[invalidate(key = "row:<id>", two_phase, cache = cache)]
async fn write_until_told(cache: &Cache, id: &str) {
    child::say("writing");
    child::listen().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_hides_its_key_no_longer_than_its_marker_lives() {
    // Of a writer: there is no option.
    let lease = Duration::from_secs(2);
    if let Some(arguments) = child::arguments() {
        return write_until_told(&cache(&arguments[0]), "k").await;
    }
    let redis = Redis::start();
    let expiry = Expiry::watch(&redis);
    let service = Service::over(patient(&redis)).mutex();
    service.until_hit("k").await;
    let this = "crash::a_killed_writer_hides_its_key_no_longer_than_its_marker_lives";
    let mut child = Child::of(this, &[&redis.url()], &[]);
    assert_eq!(child.says().await, "writing");
    // Committed, and not yet invalidated: what the marker is there for.
    service.write();
    let hidden = Instant::now();
    while hidden.elapsed() < lease + SLACK {
        service.uncached("k").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.signal("-KILL");
    let back = service.until_hit("k").await;
    assert!(back < lease + SLACK, "hidden for {back:?}");
    assert_eq!(service.hit("k").await, 2);
    expiry.end();
}
