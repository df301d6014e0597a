//! A process that stands still for longer than a Redis operation may take: throttled by its container, suspended,
//! its runtime's threads held up by blocking code. That is no failure of Redis.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use cached_runtime::{Cache, Policy, key};

use crate::support::{Count, Redis};

/// Twice an operation's deadline.
const FREEZE: Duration = Duration::from_millis(200);

async fn read(cache: Cache, loads: Count) -> Result<u64, String> {
    let policy = Policy::ttl(Duration::from_secs(60)).mutex();
    cache.get_or_load(key!("k"), policy, || async { Ok(loads.add()) }).await
}

/// Reads with the only thread of its runtime held up between the command and the answer.
async fn read_frozen(cache: Cache, loads: Count) -> Result<u64, String> {
    let mut call = Box::pin(read(cache, loads));
    let first = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
    assert!(first.is_pending(), "the answer came before the freeze");
    std::thread::sleep(FREEZE);
    call.await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_process_that_stood_still_past_the_deadline_takes_the_answer_that_waits_for_it() {
    let redis = Redis::start();
    let (cache, loads) = (redis.cache(), Count::default());
    // Spawned: connections belong to the worker, and so does what is frozen.
    let stored = tokio::spawn(read(cache.clone(), loads.clone())).await.expect("no panic");
    assert_eq!(stored, Ok(1));
    for round in 0..10 {
        let hit = tokio::spawn(read_frozen(cache.clone(), loads.clone())).await.expect("no panic");
        assert_eq!(hit, Ok(1), "round {round}");
    }
    let total = cache.stats().total();
    assert_eq!((total.errors, total.hits, loads.get()), (0, 10, 1));
}
