//! Trouble without a pause: connections killed and scripts forgotten in a loop while calls go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::service::{DEADLINE, RECOVERY, SLACK, Service};
use crate::support::{Redis, eventually};

/// Runs `strike` until it is stopped; says how often.
struct Storm {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Storm {
    fn of(mut strike: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut strikes = 0;
            while !stopped.load(Ordering::SeqCst) {
                strike();
                strikes += 1;
            }
            strikes
        });
        Self { stop, thread: Some(thread) }
    }

    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().expect("still there").join().expect("no panic")
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_killed_in_a_loop_never_reach_a_caller() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    let other = service.through(redis.cache());
    service.until_hit("0").await;
    let storm = Storm::of(move || {
        admin.must(&["CLIENT", "KILL", "TYPE", "normal"]);
        // The storm's pace: time for a connection to come up now and then.
        std::thread::sleep(Duration::from_millis(15));
    });
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let service = if caller % 2 == 0 { service.clone() } else { other.clone() };
        callers.spawn(async move {
            let mut hits = 0_u64;
            for call in 0..200 {
                let answer = service.read(&format!("{}", call % 20)).await;
                assert!((1..=answer.row).contains(&answer.value), "{answer:?}");
                // A waiter whose two connections died at once loads after its next look, at most 100 ms later.
                assert!(answer.took < DEADLINE * 2 + service.load * 2 + SLACK, "{answer:?}");
                hits += u64::from(!answer.loaded);
            }
            hits
        });
    }
    let hits: u64 = callers.join_all().await.into_iter().sum();
    let strikes = storm.end();
    assert!(strikes > 5, "{strikes} strikes");
    assert!(service.cache.stats().total().errors > 0, "no call noticed the storm");
    assert!(hits > 0, "no connection came up in between");
    let recovery = service.until_hit("0").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_forgotten_in_a_loop_never_keep_a_value_from_being_stored() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).loading_for(Duration::ZERO);
    service.until_hit("warm").await;
    let storm = Storm::of(move || admin.must(&["SCRIPT", "FLUSH", "SYNC"]));
    for call in 0..300 {
        let id = format!("{call}");
        service.uncached(&id).await;
        service.hit(&id).await;
    }
    let strikes = storm.end();
    assert!(strikes > 300, "{strikes} strikes");
    assert_eq!(service.cache.stats().total().errors, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_in_a_loop_only_costs_loads() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    let other = service.through(redis.cache());
    let storm = Storm::of(move || {
        admin.must(&["FLUSHALL"]);
        std::thread::sleep(Duration::from_millis(3));
    });
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let service = if caller % 2 == 0 { service.clone() } else { other.clone() };
        callers.spawn(async move {
            for call in 0..50 {
                let answer = service.read(&format!("{}", call % 5)).await;
                assert_eq!(answer.value, answer.row);
                assert!(answer.took < service.load * 4 + SLACK, "{answer:?}");
            }
        });
    }
    callers.join_all().await;
    assert!(storm.end() > 5);
    eventually("a hit", async || !service.read("0").await.loaded).await;
}
