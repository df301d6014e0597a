//! Async calls polled by something other than tokio, on threads without a runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::rows::{Rows, connections, in_time, install, multi_thread, other, patient, row};
use crate::support::{Count, Redis};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor as small as they come.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn calls_from_plain_threads_load_once_and_share_one_connection() {
    in_time("async calls without tokio", |redis| {
        let rows = Arc::new(Rows::over(patient(redis)));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for id in 0..20 {
                        assert_eq!(block_on(rows.quick_row(id)), id * 10);
                    }
                });
            }
        });
        // The mutex's waiters have a connection of their own, for pushes.
        assert!((1..=2).contains(&connections(redis)), "{}", connections(redis));
        assert_eq!(rows.loads.get(), 20);
        let stats = rows.cache.stats().total();
        assert_eq!((stats.stores, stats.errors), (20, 0));
    });
}

#[test]
fn two_functions_without_tokio_share_one_connection() {
    in_time("two functions", |redis| {
        let cache = patient(redis);
        let _installed = install(&cache);
        let loads = Count::default();
        for _ in 0..2 {
            assert_eq!(block_on(row(1, &loads)), Ok(10));
            assert_eq!(block_on(other(1, &loads)), 100);
        }
        assert_eq!(loads.get(), 2);
        assert_eq!(connections(redis), 1);
    });
}

#[test]
fn a_value_stored_without_tokio_is_a_hit_in_a_runtime_and_the_other_way_round() {
    let redis = Redis::start();
    let rows = Rows::over(patient(&redis));
    assert_eq!(block_on(rows.quick_row(1)), 10);
    let runtime = multi_thread();
    assert_eq!(runtime.block_on(rows.quick_row(1)), 10);
    assert_eq!(runtime.block_on(rows.quick_row(2)), 20);
    assert_eq!(block_on(rows.quick_row(2)), 20);
    assert_eq!(rows.row_blocking(2), 20);
    assert_eq!(rows.loads.get(), 2);
}

#[test]
fn a_body_without_tokio_may_wait_for_another_thread() {
    in_time("a body that waits", |redis| {
        let cache = patient(redis);
        let policy = cached_runtime::Policy::ttl(Duration::from_secs(60)).mutex();
        let (send, receive) = tokio::sync::oneshot::channel::<u64>();
        let body = async || receive.await.map_err(|_| "gone");
        let sender = std::thread::spawn(move || send.send(7));
        assert_eq!(block_on(cache.get_or_load(cached_runtime::key!("k"), policy, body)), Ok(7));
        assert_eq!(sender.join().expect("no panic"), Ok(()));
        assert_eq!(block_on(cache.get::<u64>(&cached_runtime::key!("k"))), Some(7));
    });
}

#[test]
fn explicit_calls_need_no_tokio_either() {
    let redis = Redis::start();
    let cache = patient(&redis);
    let key = cached_runtime::key!("k");
    block_on(cache.put(&key, &5_u64, Duration::from_secs(60))).expect("stored");
    assert_eq!(block_on(cache.get::<u64>(&key)), Some(5));
    block_on(cache.invalidate(&key)).expect("invalidated");
    assert_eq!(block_on(cache.get::<u64>(&key)), None);
}

#[test]
fn without_tokio_a_dead_server_costs_the_body_and_no_more() {
    let mut redis = Redis::start();
    redis.kill();
    let rows = Rows::over(redis.cache());
    for id in 0..10 {
        let began = Instant::now();
        assert_eq!(block_on(rows.quick_row(id)), id * 10);
        assert!(began.elapsed() < Duration::from_millis(350), "{:?}", began.elapsed());
    }
    assert_eq!(rows.loads.get(), 10);
}
