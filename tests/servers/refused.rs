//! Servers before Redis 6.2: not used, and said so.

use std::time::Duration;

use cached_runtime::{Cache, Health};

use crate::disguise::Disguise;
use crate::installed::start;
use crate::logged;
use crate::server::Server;
use crate::service::{RECOVERY, Service};
use crate::support::eventually;

async fn is_not_used(service: &Service, port: u16) {
    service.uncached_times("k", 20).await;
    eventually("health says why", async || {
        matches!(service.cache.health(), Health::Degraded { reason } if reason.contains("older than Redis 6.2"))
    })
    .await;
    // It is tried again meanwhile, and that is no news.
    tokio::time::sleep(Duration::from_millis(700)).await;
    service.uncached_times("k", 20).await;
    assert_eq!(logged::warnings(&[&format!(":{port}")]), 1, "one warning, whatever is tried");
    assert_eq!(logged::warnings(&[&format!(":{port}"), "use Redis 6.2 or newer, or Valkey"]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_older_than_6_2_is_not_used_until_it_is_replaced() {
    logged::listen();
    let server = Server::start(&[]);
    let disguise = Disguise::of(server.port).await;
    let service =
        Service::over(Cache::builder().redis(disguise.url()).prefix("test").build().expect("a cache")).mutex();
    is_not_used(&service, disguise.port).await;
    let held: u64 = server.must(&["DBSIZE"]);
    assert_eq!(held, 0, "nothing is sent to it");
    assert!(service.invalidate("k").await.is_err(), "nobody has acknowledged it");

    disguise.take_off();
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
    assert_eq!(service.cache.health(), Health::Up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_5_is_not_used() {
    logged::listen();
    let Some(server) = start("redis-5.0") else { return };
    let service = Service::over(Cache::builder().redis(server.url()).prefix("test").build().expect("a cache")).mutex();
    is_not_used(&service, server.port).await;
    let held: u64 = server.must(&["DBSIZE"]);
    assert_eq!(held, 0, "nothing is sent to it");
}
