//! Redis that does not let us in: a wrong password, no room for clients. Repaired at run time, without a new cache.

use std::time::Duration;

use cached_runtime::Cache;

use crate::admin::Admin;
use crate::service::{RECOVERY, Service};
use crate::support::{Redis, eventually};

/// A cache that logs in as `user:password`.
fn logging_in(redis: &Redis, login: &str) -> Cache {
    let url = redis.url().replace("redis://", &format!("redis://{login}@"));
    Cache::builder().redis(url).prefix("test").build().expect("a cache")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_runs_the_body_until_it_is_right() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    admin.config("requirepass", "right");
    for cache in [redis.cache(), logging_in(&redis, ":wrong"), logging_in(&redis, "nobody:wrong")] {
        let service = Service::over(cache).mutex();
        service.uncached_times("k", 10).await;
    }
    let service = Service::over(logging_in(&redis, ":right"));
    service.until_hit("k").await;

    let locked_out = Service::over(logging_in(&redis, ":wrong"));
    locked_out.uncached("other").await;
    admin.config("requirepass", "wrong");
    let recovery = locked_out.until_hit("other").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_set_while_connected_and_taken_back_needs_no_new_cache() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache());
    service.until_hit("k").await;
    admin.config("requirepass", "secret");
    admin.must(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually("calls without the cache", async || service.read("k").await.loaded).await;
    service.uncached_times("k", 20).await;
    admin.config("requirepass", "");
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_permission_runs_the_body() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    admin.must(&["ACL", "SETUSER", "reader", "on", ">pass", "~*", "+ping", "+get", "+hello"]);
    let service = Service::over(logging_in(&redis, "reader:pass")).mutex();
    service.uncached_times("k", 10).await;
    admin.must(&["ACL", "SETUSER", "reader", "+@all"]);
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_may_not_run_scripts_gets_its_values() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    admin.must(&["ACL", "SETUSER", "scriptless", "on", ">pass", "~*", "+@all", "-@scripting"]);
    let service = Service::over(logging_in(&redis, "scriptless:pass")).lease(Duration::from_millis(300));
    service.uncached_times("k", 10).await;
    admin.must(&["ACL", "SETUSER", "scriptless", "+@all"]);
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_for_clients_runs_the_body() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("k").await;
    admin.config("maxclients", "1");
    admin.must(&["CLIENT", "KILL", "TYPE", "normal"]);
    let newcomer = Service::over(redis.cache());
    eventually("calls without the cache", async || service.read("k").await.loaded).await;
    for _ in 0..20 {
        service.uncached("k").await;
        newcomer.uncached("k").await;
    }
    admin.config("maxclients", "1000");
    for service in [service, newcomer] {
        let recovery = service.until_hit("k").await;
        assert!(recovery < RECOVERY, "hits after {recovery:?}");
    }
}
