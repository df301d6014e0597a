//! Writers while Redis does not take their invalidations: it hangs, is gone, or refuses writes.

use std::time::{Duration, Instant};

use cached_runtime::invalidate;

use crate::admin::Admin;
use crate::service::{DEADLINE, RECOVERY, SLACK, Service, patient};
use crate::support::{Redis, eventually};

#[derive(Debug, PartialEq)]
struct NoSuchRow;

#[invalidate(key = "row:<id>", cache = service.cache.clone())]
async fn write(service: &Service, id: &str) -> Result<u64, NoSuchRow> {
    if id.is_empty() { Err(NoSuchRow) } else { Ok(service.write()) }
}

#[invalidate(key = "row:<id>", two_phase, cache = service.cache.clone())]
async fn write_hidden(service: &Service, id: &str) -> Result<u64, NoSuchRow> {
    if id.is_empty() { Err(NoSuchRow) } else { Ok(service.write()) }
}

/// Two processes and an entry that both have seen.
async fn two_processes(redis: &Redis) -> [Service; 2] {
    let service = Service::over(redis.cache());
    let other = service.through(patient(redis));
    service.until_hit("k").await;
    other.until_hit("k").await;
    [service, other]
}

/// Writes twice, one way and the other; each returns what it returns, in time.
async fn write_in_time(service: &Service) -> u64 {
    let began = Instant::now();
    let first = write(service, "k").await.expect("a row");
    assert!(began.elapsed() < DEADLINE + SLACK, "{:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(write_hidden(service, "k").await, Ok(first + 1));
    // Once before the body and once after it.
    assert!(began.elapsed() < DEADLINE * 2 + SLACK, "{:?}", began.elapsed());
    assert_eq!(write(service, "").await, Err(NoSuchRow));
    assert_eq!(write_hidden(service, "").await, Err(NoSuchRow));
    first + 1
}

/// Waits until nothing is queued, and says how long that took.
async fn until_delivered(service: &Service) -> Duration {
    let began = Instant::now();
    eventually("it is not delivered", async || service.cache.stats().queued == 0).await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_hanging_server_did_not_acknowledge_is_delivered_within_a_second_of_its_return() {
    let redis = Redis::start();
    let [service, other] = two_processes(&redis).await;
    redis.pause();
    let version = write_in_time(&service).await;
    service.uncached_times("k", 5).await;
    assert!(service.cache.stats().function("write").unwrap().undelivered >= 1);
    redis.resume();
    let took = until_delivered(&service).await;
    assert!(took < RECOVERY, "delivered after {took:?}");
    // Who comes from here on, wherever, sees what was written.
    assert_eq!(other.read("k").await.value, version);
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
    assert_eq!((service.hit("k").await, other.hit("k").await), (version, version));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_server_refuses_writes_nothing_old_is_served_and_the_writes_come_through_in_the_end() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let [service, other] = two_processes(&redis).await;
    // Of a master that is not there: what is stored stays, and nothing can be deleted.
    admin.must(&["REPLICAOF", "127.0.0.1", "1"]);
    let version = write_in_time(&service).await;
    service.uncached_times("k", 5).await;
    assert!(admin.bytes("test:row:k").is_some(), "the old entry is still there");
    admin.must(&["REPLICAOF", "NO", "ONE"]);
    let took = until_delivered(&service).await;
    assert!(took < RECOVERY, "delivered after {took:?}");
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
    assert_eq!(service.hit("k").await, version);
    assert_eq!(other.read("k").await.value, version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_go_on_without_a_server_and_nothing_old_is_served_when_one_is_back() {
    let mut redis = Redis::start();
    let [service, other] = two_processes(&redis).await;
    redis.kill();
    let mut version = 0;
    for _ in 0..20 {
        version = write_in_time(&service).await;
    }
    service.uncached_times("k", 5).await;
    assert_eq!(service.cache.stats().queued, 1, "one per key");
    redis.restart();
    let took = until_delivered(&service).await;
    assert!(took < RECOVERY, "delivered after {took:?}");
    assert_eq!(service.read("k").await.value, version);
    assert_eq!(other.read("k").await.value, version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_that_is_carried_out_late_is_counted_as_undelivered_and_done_again() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let [service, other] = two_processes(&redis).await;
    // The server takes the commands and carries them out when the pause is over.
    admin.must(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    service.write();
    assert!(service.invalidate("k").await.is_err());
    service.uncached("k").await;
    admin.must(&["CLIENT", "UNPAUSE"]);
    let took = until_delivered(&service).await;
    assert!(took < RECOVERY, "delivered after {took:?}");
    assert_eq!(other.read("k").await.value, 2);
    service.until_hit("k").await;
    assert_eq!(service.hit("k").await, 2);
}
