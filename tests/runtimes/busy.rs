//! A task that keeps its thread from everything else, in a runtime that has other threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use cached_runtime::{Cache, Policy, key};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, yield_now};

use crate::support::Redis;

#[test]
fn a_thread_that_is_busy_for_long_holds_up_nobody_elses_hits() {
    let redis = Redis::start();
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        // An answer within 100 ms, as by default.
        let cache = Cache::builder().redis(redis.url()).build().unwrap();
        let policy = Policy::ttl(Duration::from_secs(60));
        let over = Arc::<AtomicBool>::default();
        let mut callers = JoinSet::new();
        for caller in 0..8 {
            let (cache, over) = (cache.clone(), Arc::clone(&over));
            callers.spawn(async move {
                let mut calls = 0;
                while !over.load(Ordering::Relaxed) {
                    let load = || async { Ok::<_, String>(7) };
                    assert_eq!(cache.get_or_load(key!("row"), policy, load).await, Ok(7));
                    calls += 1;
                    // It has just had its answer: this thread has polled the connection.
                    if caller == 0 && calls % 50 == 0 {
                        sleep(Duration::from_millis(150));
                        yield_now().await;
                    }
                    if caller == 0 && calls == 500 {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        callers.join_all().await;
        let stats = cache.stats().total();
        assert_eq!(stats.errors, 0, "of {} calls", stats.requests.total());
    });
}
