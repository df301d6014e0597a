//! Redis out of memory: it reads and deletes, and refuses to write.

use std::time::{Duration, Instant};

use cached_runtime::{Error, key};
use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::service::{DEADLINE, SLACK, Service};
use crate::support::{Redis, eventually};

/// One byte is always too little, and nothing is evicted.
fn fill_up(admin: &mut Admin) {
    admin.config("maxmemory-policy", "noeviction");
    admin.config("maxmemory", "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_server_has_stays_a_hit_and_the_rest_runs_the_body() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("kept").await;
    fill_up(&mut admin);
    for _ in 0..10 {
        assert_eq!(service.hit("kept").await, 1);
        service.uncached("new").await;
    }
    assert_eq!(admin.bytes(&Service::entry("new")), None);
    admin.config("maxmemory", "0");
    service.uncached("new").await;
    service.hit("new").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_reaches_a_full_server() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    fill_up(&mut admin);
    service.write();
    service.invalidate("k").await.expect("a full server deletes");
    assert_eq!(admin.bytes(&Service::entry("k")), None);
    assert_eq!(service.uncached("k").await.value, 2);
    admin.config("maxmemory", "0");
    service.until_hit("k").await;
    assert_eq!(service.hit("k").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_into_a_full_server_says_so() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let cache = redis.cache();
    let minute = Duration::from_secs(60);
    cache.put(&key!("k"), &1_u64, minute).await.expect("room");
    fill_up(&mut admin);
    let refused = cache.put(&key!("k"), &2_u64, minute).await;
    assert!(matches!(&refused, Err(Error::Refused(code)) if code == "OOM"), "{refused:?}");
    assert_eq!(cache.get::<u64>(&key!("k")).await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_fails_on_a_full_server_leaves_no_lease() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    let id = "k";
    // With `mutex` a failed load leaves a marker for its waiters: there is no room for one.
    let failed = service
        .cache
        .get_or_load(key!("row:<id>"), service.policy, || async {
            fill_up(&mut admin);
            Err::<u64, _>("no".to_owned())
        })
        .await;
    assert_eq!(failed, Err("no".to_owned()));
    // Sooner than the lease (2 s) would end by itself.
    let began = Instant::now();
    eventually("the lease's end", async || admin.bytes(&Service::entry(id)).is_none()).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_evicts_leases_and_values_at_random_costs_loads_and_nothing_else() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex().loading_for(Duration::from_millis(1));
    let other = service.through(redis.cache());
    service.until_hit("warm").await;
    other.until_hit("warm").await;
    let memory: String = admin.run(&["INFO", "memory"]).expect("INFO");
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a figure");
    let room = used.trim().parse::<u64>().expect("a number") + 200_000;
    admin.config("maxmemory-policy", "allkeys-random");
    admin.config("maxmemory", &room.to_string());
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let service = if caller % 2 == 0 { service.clone() } else { other.clone() };
        callers.spawn(async move {
            for call in 0..300 {
                // Two callers of different processes per key.
                let answer = service.read(&format!("{}:{call}", caller / 2)).await;
                assert_eq!(answer.value, 1);
                assert!(answer.took < DEADLINE + service.load * 2 + SLACK, "{answer:?}");
            }
        });
    }
    callers.join_all().await;
    let stats: String = admin.run(&["INFO", "stats"]).expect("INFO");
    let evicted = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:")).expect("a figure");
    assert!(evicted.trim().parse::<u64>().expect("a number") > 100, "{evicted} keys evicted");
}
