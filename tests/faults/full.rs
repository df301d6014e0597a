//! Redis out of memory: it reads and deletes, and refuses to write.

use std::time::{Duration, Instant};

use cached_runtime::{Error, key};

use crate::admin::Admin;
use crate::service::Service;
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
    assert!(
        matches!(&refused, Err(Error::Refused(code)) if code == "OOM"),
        "{refused:?}"
    );
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
