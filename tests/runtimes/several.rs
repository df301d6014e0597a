//! Several tokio runtimes: one connection for each, however many functions, and none for those that are gone.

use crate::rows::{Rows, connections, current_thread, install, multi_thread, other, patient, row, settle_at};
use crate::support::{Count, Redis, eventually};

#[test]
fn one_installed_cache_serves_three_runtimes_in_a_row() {
    let redis = Redis::start();
    let cache = patient(&redis);
    let _installed = install(&cache);
    let (rows, others) = (Count::default(), Count::default());
    for (round, runtime) in [current_thread(), multi_thread(), current_thread()].into_iter().enumerate() {
        runtime.block_on(async {
            for id in 0..3 {
                assert_eq!(row(id, &rows).await, Ok(id * 10));
                assert_eq!(other(id, &others).await, id * 100);
            }
            let new = 1_000 + round as u64;
            assert_eq!(row(new, &rows).await, Ok(new * 10), "this runtime's connection stores, too");
            assert_eq!(row(new, &rows).await, Ok(new * 10));
        });
        assert_eq!(rows.get(), 3 + 1 + round as u64, "round {round}");
        assert_eq!(others.get(), 3, "round {round}");
        settle_at(&redis, 1);
        drop(runtime);
        settle_at(&redis, 0);
    }
}

#[test]
fn two_runtimes_side_by_side_share_values_and_not_connections() {
    let redis = Redis::start();
    let cache = patient(&redis);
    let _installed = install(&cache);
    let loads = Count::default();
    let (one, two) = (current_thread(), multi_thread());
    for id in 0..10 {
        assert_eq!(one.block_on(row(id, &loads)), Ok(id * 10));
        assert_eq!(two.block_on(row(id, &loads)), Ok(id * 10));
        assert_eq!(two.block_on(other(id, &loads)), id * 100);
        assert_eq!(one.block_on(other(id, &loads)), id * 100);
    }
    assert_eq!(loads.get(), 20);
    assert_eq!(connections(&redis), 2);
    drop(one);
    settle_at(&redis, 1);
    assert_eq!(two.block_on(row(3, &loads)), Ok(30));
    assert_eq!(loads.get(), 20, "a hit");
}

#[test]
fn a_stampede_over_two_runtimes_and_plain_threads_loads_once() {
    let redis = Redis::start();
    let rows = std::sync::Arc::new(Rows::over(patient(&redis)));
    let runtimes = [multi_thread(), multi_thread()];
    std::thread::scope(|scope| {
        for runtime in &runtimes {
            for _ in 0..10 {
                let rows = &rows;
                scope.spawn(move || assert_eq!(runtime.block_on(rows.row(1)), 10));
            }
        }
        for _ in 0..10 {
            let rows = &rows;
            scope.spawn(move || assert_eq!(rows.row_blocking(1), 10));
        }
    });
    assert_eq!(rows.loads.get(), 1);
}

#[test]
fn many_functions_tasks_and_keys_share_one_connection() {
    let redis = Redis::start();
    let cache = patient(&redis);
    let runtime = multi_thread();
    let loads = Count::default();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for id in 0..200 {
            let (cache, loads) = (cache.clone(), loads.clone());
            tasks.spawn(async move { cache.scope(async { (row(id, &loads).await, other(id, &loads).await) }).await });
        }
        tasks.join_all().await;
    });
    assert_eq!(loads.get(), 400);
    assert_eq!(connections(&redis), 1);
}

#[test]
fn a_cache_that_is_dropped_closes_its_connections() {
    let redis = Redis::start();
    let runtimes = [multi_thread(), current_thread()];
    let rows = Rows::over(patient(&redis));
    for runtime in &runtimes {
        assert_eq!(runtime.block_on(rows.quick_row(1)), 10);
    }
    assert_eq!(rows.row_blocking(1), 10);
    assert_eq!(connections(&redis), 3);
    drop(rows);
    // A current-thread runtime ends its tasks when it runs.
    runtimes[1].block_on(eventually("no connection", async || connections(&redis) == 0));
}

#[test]
fn a_runtime_without_timers_and_sockets_borrows_the_backgrounds() {
    let redis = Redis::start();
    let rows = Rows::over(patient(&redis));
    let bare = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for _ in 0..2 {
        assert_eq!(bare.block_on(rows.quick_row(1)), 10);
        assert_eq!(rows.row_blocking(1), 10);
    }
    assert_eq!(rows.loads.get(), 1);
}
