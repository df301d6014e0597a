//! Blocking annotated functions: in plain threads, in `spawn_blocking`, on a runtime's own thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::rows::{
    Rows, connections, current_thread, in_time, install, multi_thread, patient, row, row_blocking, settle_at,
};
use crate::support::{Count, Redis, eventually};

#[test]
fn in_plain_threads_it_loads_once_and_hits() {
    let redis = Redis::start();
    let rows = Rows::over(patient(&redis));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(rows.row_blocking(1), 10));
        }
    });
    assert_eq!(rows.loads.get(), 1);
    assert_eq!(rows.row_blocking(1), 10);
    assert_eq!(rows.loads.get(), 1);
    assert!((1..=2).contains(&connections(&redis)), "{}", connections(&redis));
}

#[test]
fn in_spawn_blocking_it_loads_once_and_hits() {
    in_time("spawn_blocking", |redis| {
        for (id, runtime) in [(1, current_thread()), (2, multi_thread())] {
            let rows = Arc::new(Rows::over(patient(redis)));
            runtime.block_on(async {
                let mut tasks = tokio::task::JoinSet::new();
                for _ in 0..16 {
                    let rows = Arc::clone(&rows);
                    tasks.spawn_blocking(move || rows.row_blocking(id));
                }
                for value in tasks.join_all().await {
                    assert_eq!(value, id * 10);
                }
            });
            assert_eq!(rows.loads.get(), 1);
        }
    });
}

#[test]
fn on_a_runtimes_own_thread_it_neither_panics_nor_deadlocks() {
    in_time("on the runtime's thread", |redis| {
        let cache = patient(redis);
        let _installed = install(&cache);
        let loads = Count::default();
        for (id, runtime) in [(1, current_thread()), (2, multi_thread())] {
            let loads = &loads;
            runtime.block_on(async move {
                assert_eq!(row_blocking(id, loads), Ok(id * 10));
                assert_eq!(row_blocking(id, loads), Ok(id * 10));
                // The async twin of the same key, on the runtime's own connection.
                assert_eq!(row(id, loads).await, Ok(id * 10));
            });
        }
        assert_eq!(loads.get(), 2);
        // Blocking calls share the background's connection; the two runtimes are gone.
        settle_at(redis, 1);
    });
}

#[test]
fn on_a_runtimes_own_thread_it_does_not_wait_for_that_runtimes_tasks() {
    in_time("a blocking call beside a load", |redis| {
        for (id, runtime) in [(1, current_thread()), (2, multi_thread())] {
            let rows = Arc::new(Rows { load: Duration::from_secs(3), ..Rows::over(patient(redis)) });
            let quick = Rows { load: Duration::ZERO, ..Rows::over(rows.cache.clone()) };
            // Another cache over the same Redis sees the lease, and no flight.
            let elsewhere = Rows { load: Duration::ZERO, ..Rows::over(patient(redis)) };
            runtime.block_on(async {
                let loading = Arc::clone(&rows);
                let _loading = tokio::spawn(async move { loading.row(id).await });
                eventually("the load", async || rows.loads.get() == 1).await;
                for rows in [&quick, &elsewhere] {
                    let began = Instant::now();
                    assert_eq!(rows.row_blocking(id), id * 10);
                    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
                }
            });
        }
    });
}

#[test]
fn in_a_plain_thread_it_waits_for_a_runtimes_load() {
    in_time("a thread and a task", |redis| {
        let rows = Arc::new(Rows { load: Duration::from_millis(300), ..Rows::over(patient(redis)) });
        let runtime = multi_thread();
        let loading = runtime.spawn({
            let rows = Arc::clone(&rows);
            async move { rows.row(1).await }
        });
        runtime.block_on(eventually("the load", async || rows.loads.get() == 1));
        assert_eq!(rows.row_blocking(1), 10);
        assert_eq!(runtime.block_on(loading).expect("no panic"), 10);
        assert_eq!(rows.loads.get(), 1);
    });
}

#[test]
fn a_task_waits_for_a_threads_load() {
    in_time("a task and a thread", |redis| {
        let rows = Arc::new(Rows { load: Duration::from_millis(300), ..Rows::over(patient(redis)) });
        let loading = std::thread::spawn({
            let rows = Arc::clone(&rows);
            move || rows.row_blocking(1)
        });
        let runtime = current_thread();
        runtime.block_on(eventually("the load", async || rows.loads.get() == 1));
        assert_eq!(runtime.block_on(rows.row(1)), 10);
        assert_eq!(loading.join().expect("no panic"), 10);
        assert_eq!(rows.loads.get(), 1);
    });
}

#[test]
fn a_blocking_load_longer_than_its_lease_keeps_it() {
    let redis = Redis::start();
    // The default lease is 2 s; renewals come from the background thread while this one sleeps.
    let rows = Arc::new(Rows { load: Duration::from_secs(3), ..Rows::over(patient(&redis)) });
    let other = Rows::over(patient(&redis));
    let loading = std::thread::spawn({
        let rows = Arc::clone(&rows);
        move || rows.row_blocking(1)
    });
    let runtime = multi_thread();
    runtime.block_on(eventually("the load", async || rows.loads.get() == 1));
    assert_eq!(runtime.block_on(other.row(1)), 10);
    assert_eq!(loading.join().expect("no panic"), 10);
    assert_eq!((rows.loads.get(), other.loads.get()), (1, 0));
}

#[test]
fn a_panic_in_a_blocking_body_leaves_nothing_locked() {
    let redis = Redis::start();
    let cache = patient(&redis);
    let body = |fail: bool| {
        #[cached_runtime::cached(key = "k", ttl = 60, mutex, skip(fail, cache), cache = cache.clone())]
        fn load(fail: bool, cache: &cached_runtime::Cache) -> u64 {
            assert!(!fail, "on purpose");
            7
        }
        load(fail, &cache)
    };
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(true)));
    assert!(panicked.is_err());
    let began = Instant::now();
    assert_eq!(body(false), 7);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// Each answer costs the polling task a piece of its budget, and nothing gives it back before the task yields.
#[test]
fn a_task_may_make_any_number_of_blocking_calls_in_one_poll() {
    in_time("five hundred calls in one poll", |redis| {
        for runtime in [current_thread(), multi_thread()] {
            let rows = Arc::new(Rows::over(patient(redis)));
            let calls = {
                let rows = Arc::clone(&rows);
                async move {
                    for call in 0..500 {
                        assert_eq!(rows.row_blocking(call % 10), call % 10 * 10);
                    }
                }
            };
            runtime.block_on(async { tokio::spawn(calls).await.expect("the calls") });
        }
    });
}
