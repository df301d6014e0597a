//! Redis that reads but does not write. Invalidations cannot land there either, so none of its hits can be trusted.

use crate::admin::Admin;
use crate::service::{RECOVERY, Service};
use crate::support::{Redis, eventually};

async fn no_stale_hit_while_writes_are_refused(refuse: &[&str], allow: &[&str]) {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("k").await;
    admin.must(refuse);
    service.write();
    assert!(service.invalidate("k").await.is_err(), "an invalidation that was refused must say so");
    for id in ["k", "new"] {
        for _ in 0..10 {
            assert_eq!(service.uncached(id).await.value, 2);
        }
    }
    admin.must(allow);
    // What was refused meanwhile was queued, and is delivered before anything is served again.
    for id in ["k", "new"] {
        let recovery = service.until_hit(id).await;
        assert!(recovery < RECOVERY, "`{id}` is a hit after {recovery:?}");
        assert_eq!(service.hit(id).await, 2);
    }
    service.invalidate("k").await.expect("a server that writes again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_a_dead_master_serves_no_stale_hit() {
    // Nothing listens on port 1.
    no_stale_hit_while_writes_are_refused(&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_without_its_replicas_serves_no_stale_hit() {
    no_stale_hit_while_writes_are_refused(
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "0"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_has_no_data_to_serve_runs_the_body() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    // Then even reads are refused (`MASTERDOWN`).
    admin.config("replica-serve-stale-data", "no");
    admin.must(&["REPLICAOF", "127.0.0.1", "1"]);
    service.uncached_times("k", 10).await;
    admin.must(&["REPLICAOF", "NO", "ONE"]);
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_save_serves_no_stale_hit() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("k").await;
    // Something that is no file, where its dump should be: then it refuses writes (`MISCONF`).
    let dump = std::env::temp_dir().join(format!("test-{}.rdb", redis.port()));
    std::fs::create_dir_all(dump.join("in the way")).expect("a directory");
    admin.config("save", "3600 1");
    admin.must(&["BGSAVE"]);
    eventually("MISCONF", async || {
        admin.run::<String>(&["SET", "x", "1"]).is_err_and(|error| error.code() == Some("MISCONF"))
    })
    .await;
    service.write();
    assert!(service.invalidate("k").await.is_err(), "an invalidation that was refused must say so");
    for id in ["k", "new"] {
        for _ in 0..10 {
            assert_eq!(service.uncached(id).await.value, 2);
        }
    }
    std::fs::remove_dir_all(&dump).expect("the directory");
    admin.config("save", "");
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
    assert_eq!(service.hit("k").await, 2);
}
