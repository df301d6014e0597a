//! The example `outage`, shorter: the same promises, with room for a busy machine in those about time.

#[path = "../examples/outage/callers.rs"]
mod callers;
#[path = "../examples/outage/record.rs"]
mod record;
#[path = "../examples/outage/scenario.rs"]
mod scenario;
#[path = "support/mod.rs"]
mod support;

use std::time::Duration;

use callers::Crowd;
use scenario::{Fault, Lengths, Verdict};

/// What busy cores may add to any percentile.
const SLACK: Duration = Duration::from_millis(250);

async fn is_hardly_noticed(crowd: Crowd, fault: Fault) {
    let lengths = Lengths {
        before: Duration::from_millis(500),
        outage: Duration::from_secs(2),
        after: Duration::from_millis(1_500),
    };
    // On a worker: the connection lives there as well.
    let verdict = tokio::spawn(async move {
        let (record, bare) = scenario::outage(crowd, fault, lengths).await;
        Verdict::on(crowd, &record, &bare, SLACK)
    });
    let verdict = verdict.await.expect("no panic");
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_killed_under_512_callers_of_a_key_each_is_hardly_noticed() {
    is_hardly_noticed(Crowd::Apart(512), Fault::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_killed_under_64_callers_of_one_key_is_hardly_noticed() {
    is_hardly_noticed(Crowd::Together(64), Fault::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_under_512_callers_of_a_key_each_is_hardly_noticed() {
    is_hardly_noticed(Crowd::Apart(512), Fault::Hung).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_under_64_callers_of_one_key_is_hardly_noticed() {
    is_hardly_noticed(Crowd::Together(64), Fault::Hung).await;
}
