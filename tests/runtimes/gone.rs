//! Runtimes that end while calls are under way: nothing hangs, nothing stays locked past the lease.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::rows::{Rows, current_thread, in_time, multi_thread, patient, settle_at};
use crate::support::{Count, Redis, eventually};

#[test]
fn a_runtime_that_ends_with_loads_under_way_ends_at_once() {
    in_time("ending runtimes with loads under way", |redis| {
        for round in 0..20 {
            let runtime = if round % 2 == 0 { multi_thread() } else { current_thread() };
            let rows = Arc::new(Rows { load: Duration::from_secs(60), ..Rows::over(patient(redis)) });
            runtime.block_on(async {
                // Before the connection's own tasks, and after them: a runtime drops its tasks in some order.
                for batch in 0..2 {
                    for id in 0..20 {
                        let rows = Arc::clone(&rows);
                        tokio::spawn(async move { rows.row(round * 1_000 + batch * 100 + id).await });
                    }
                    eventually("the loads", async || rows.loads.get() == (batch + 1) * 20).await;
                }
            });
            let began = Instant::now();
            drop(runtime);
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        }
        settle_at(redis, 0);
    });
}

#[test]
fn a_runtime_that_ends_with_waiters_ends_at_once() {
    in_time("ending a runtime with waiters", |redis| {
        let holder = multi_thread();
        let rows = Arc::new(Rows { load: Duration::from_secs(60), ..Rows::over(patient(redis)) });
        // Another cache: its calls wait over Redis, by push.
        let waiting = Arc::new(Rows::over(patient(redis)));
        holder.spawn({
            let rows = Arc::clone(&rows);
            async move { rows.row(1).await }
        });
        holder.block_on(eventually("the load", async || rows.loads.get() == 1));
        let runtime = multi_thread();
        for _ in 0..10 {
            let waiting = Arc::clone(&waiting);
            runtime.spawn(async move { waiting.row(1).await });
        }
        runtime.block_on(eventually("a waiter", async || waiting.cache.stats().total().lock_waits > 0));
        drop(runtime);
        drop(holder);
        settle_at(redis, 0);
    });
}

#[test]
fn what_a_dead_runtime_was_loading_is_loaded_by_the_next_within_the_lease() {
    let redis = Redis::start();
    let rows = Arc::new(Rows { load: Duration::from_secs(60), ..Rows::over(patient(&redis)) });
    let runtime = multi_thread();
    runtime.spawn({
        let rows = Arc::clone(&rows);
        async move { rows.row(1).await }
    });
    runtime.block_on(eventually("the load", async || rows.loads.get() == 1));
    drop(runtime);
    let next = Rows { load: Duration::from_millis(20), ..Rows::over(rows.cache.clone()) };
    let began = Instant::now();
    assert_eq!(multi_thread().block_on(next.row(1)), 10);
    // The lease is 2 s; a call waits up to 10 s.
    assert!(began.elapsed() < Duration::from_millis(3_500), "{:?}", began.elapsed());
    assert_eq!(next.loads.get(), 1);
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Starts a call in a runtime, up to its load, which waits for the sender.
fn started(redis: &Redis, loads: &Count) -> (impl Future<Output = Result<u64, ()>> + use<>, oneshot::Sender<u64>) {
    let (send, receive) = oneshot::channel::<u64>();
    let (cache, loads) = (patient(redis), loads.clone());
    let call = async move {
        let policy = cached_runtime::Policy::ttl(Duration::from_secs(60)).mutex();
        let body = async || {
            loads.add();
            receive.await.map_err(drop)
        };
        cache.get_or_load(cached_runtime::key!("k"), policy, body).await
    };
    (call, send)
}

#[test]
fn a_call_that_outlives_its_runtime_is_finished_by_another() {
    in_time("a call in two runtimes", |redis| {
        let loads = Count::default();
        let (call, send) = started(redis, &loads);
        let mut call = pin!(call);
        let first = multi_thread();
        first.block_on(async {
            eventually("the load", async || poll(call.as_mut()).is_ready() || loads.get() == 1).await;
        });
        drop(first);
        send.send(7).expect("a call that waits");
        assert_eq!(current_thread().block_on(call), Ok(7));
    });
}

#[test]
fn a_call_dropped_after_its_runtime_is_gone_does_no_harm() {
    in_time("dropping a call without a runtime", |redis| {
        let loads = Count::default();
        for runtime in [current_thread(), multi_thread()] {
            let before = loads.get();
            let (call, send) = started(redis, &loads);
            let mut call = Box::pin(call);
            runtime.block_on(async {
                eventually("the load", async || poll(call.as_mut()).is_ready() || loads.get() > before).await;
            });
            drop(runtime);
            drop(call);
            assert!(send.is_closed());
            redis.command::<()>(&["FLUSHALL"]);
        }
    });
}

#[test]
fn a_call_polled_to_its_end_without_any_runtime_after_its_own_is_gone_has_its_value() {
    in_time("a call without its runtime", |redis| {
        let loads = Count::default();
        let (call, send) = started(redis, &loads);
        let mut call = pin!(call);
        let first = current_thread();
        first.block_on(async {
            eventually("the load", async || poll(call.as_mut()).is_ready() || loads.get() == 1).await;
        });
        drop(first);
        send.send(7).expect("a call that waits");
        assert_eq!(crate::foreign_executor::block_on(call), Ok(7));
    });
}

#[test]
fn fifty_runtimes_leave_nothing_behind() {
    let redis = Redis::start();
    let rows = Rows::over(patient(&redis));
    for id in 0..50 {
        let runtime = current_thread();
        assert_eq!(runtime.block_on(rows.quick_row(id)), id * 10);
        assert_eq!(runtime.block_on(rows.quick_row(0)), 0);
    }
    assert_eq!(rows.loads.get(), 50);
    settle_at(&redis, 0);
}
