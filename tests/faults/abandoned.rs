//! Loads that end without a value: by an error, a panic, or because their caller is gone. Their lease is not sat out.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::admin::Admin;
use crate::service::{Service, patient};
use crate::support::{Redis, eventually};
use cached_runtime::key;

/// Of seconds: what ends sooner did not end by itself.
const LEASE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum End {
    Error,
    Panic,
    Cancelled,
}

/// Calls, and ends the load when it runs; returns when it has ended.
async fn end_a_load(service: &Service, id: &'static str, end: End) {
    let running = service.loads.get();
    let call: JoinHandle<()> = tokio::spawn({
        let service = service.clone();
        async move {
            let load = async || {
                service.loads.add();
                tokio::time::sleep(Duration::from_millis(20)).await;
                match end {
                    End::Error => Err::<u64, _>("no"),
                    // Without a word in the test's output.
                    End::Panic => std::panic::resume_unwind(Box::new("no")),
                    End::Cancelled => std::future::pending().await,
                }
            };
            let ended = service.cache.get_or_load(key!("row:<id>"), service.policy, load).await;
            assert_eq!(ended, Err("no"));
        }
    });
    eventually("the load", async || service.loads.get() > running).await;
    if matches!(end, End::Cancelled) {
        call.abort();
    }
    let _ = call.await;
}

async fn is_given_back(end: End) {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().lease(LEASE);
    let mut took = Vec::new();
    for _ in 0..5 {
        end_a_load(&service, "k", end).await;
        let ended = Instant::now();
        eventually("the lease's end", async || !admin.leased(&Service::entry("k"))).await;
        took.push(ended.elapsed());
        // And nothing is in the way of the next.
        let other = service.through(patient(&redis));
        let answer = other.read("k").await;
        assert!(answer.loaded && answer.took < LEASE / 2, "{answer:?}");
        service.invalidate("k").await.expect("a server");
    }
    // The best: what a busy machine adds to the others says nothing.
    let best = took.iter().min().expect("rounds");
    assert!(*best < Duration::from_millis(50), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_load_that_failed_is_gone_within_50_ms() {
    is_given_back(End::Error).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_load_that_panicked_is_gone_within_50_ms() {
    is_given_back(End::Panic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_load_that_was_cancelled_is_gone_within_50_ms() {
    is_given_back(End::Cancelled).await;
}
