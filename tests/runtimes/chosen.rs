//! Which cache a call uses: its own, its task's, the installed one, or none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use cached_runtime::Cache;

use crate::child::{self, Child};
use crate::rows::{Rows, install, multi_thread, row, row_blocking};
use crate::support::Count;

/// Tells the parent of every warning.
struct Warnings;

static WARNINGS: AtomicU64 = AtomicU64::new(0);
static LAST: Mutex<String> = Mutex::new(String::new());

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            WARNINGS.fetch_add(1, Ordering::SeqCst);
            *LAST.lock().expect("no panic") = record.args().to_string();
        }
    }

    fn flush(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_installed_bodies_run_and_one_warning_is_logged() {
    if child::arguments().is_some() {
        log::set_logger(&Warnings).expect("the only logger");
        log::set_max_level(log::LevelFilter::Warn);
        let loads = Count::default();
        for _ in 0..5 {
            assert_eq!(row(1, &loads).await, Ok(10));
            assert_eq!(tokio::task::block_in_place(|| row_blocking(1, &loads)), Ok(10));
        }
        child::say(&format!("{} loads", loads.get()));
        child::say(&format!("{} warnings", WARNINGS.load(Ordering::SeqCst)));
        child::say(&LAST.lock().expect("no panic").clone());
        return;
    }
    // In a process of its own: here other tests install caches.
    let this = "chosen::with_nothing_installed_bodies_run_and_one_warning_is_logged";
    let said = Child::of(this, &[], &[]).end().await;
    assert_eq!(said[..2], ["10 loads", "1 warnings"]);
    assert!(said[2].contains("rows::row") && said[2].contains("install"), "{}", said[2]);
}

#[tokio::test]
async fn a_scope_overrides_the_installed_cache() {
    let (installed, scoped) = (Cache::in_memory(), Cache::in_memory());
    let _installed = install(&installed);
    let loads = Count::default();
    for _ in 0..2 {
        assert_eq!(row(1, &loads).await, Ok(10));
        assert_eq!(scoped.scope(row(1, &loads)).await, Ok(10));
        assert_eq!(scoped.scope(async { row_blocking(1, &loads) }).await, Ok(10));
    }
    assert_eq!(loads.get(), 2, "once for each cache");
    assert_eq!(installed.stats().total().hits, 1);
    assert_eq!(scoped.stats().total().hits, 3);
}

#[tokio::test]
async fn a_scope_covers_what_it_awaits_and_not_what_it_spawns() {
    let (installed, scoped) = (Cache::in_memory(), Cache::in_memory());
    let _installed = install(&installed);
    let loads = Count::default();
    let spawned = loads.clone();
    let inside = async {
        assert_eq!(row(1, &loads).await, Ok(10));
        tokio::spawn(async move { row(1, &spawned).await }).await.expect("no panic")
    };
    assert_eq!(scoped.scope(inside).await, Ok(10));
    assert_eq!(loads.get(), 2);
    assert_eq!((scoped.stats().total().loads, installed.stats().total().loads), (1, 1));
}

#[tokio::test]
async fn an_inner_scope_overrides_an_outer_one_and_ends() {
    let (outer, inner) = (Cache::in_memory(), Cache::in_memory());
    let loads = Count::default();
    let inside = async {
        assert_eq!(row(1, &loads).await, Ok(10));
        assert_eq!(inner.scope(row(1, &loads)).await, Ok(10));
        assert_eq!(row(1, &loads).await, Ok(10));
    };
    outer.scope(inside).await;
    assert_eq!((outer.stats().total().loads, outer.stats().total().hits), (1, 1));
    assert_eq!((inner.stats().total().loads, inner.stats().total().hits), (1, 0));
}

#[tokio::test]
async fn a_functions_own_cache_overrides_the_scope() {
    let scoped = Cache::in_memory();
    let rows = Rows::over(Cache::in_memory());
    for _ in 0..2 {
        assert_eq!(scoped.scope(rows.quick_row(1)).await, 10);
    }
    assert_eq!(rows.cache.stats().total().hits, 1);
    assert!(scoped.stats().functions.is_empty());
}

#[test]
fn a_disabled_cache_runs_every_body() {
    let rows = Rows::over(Cache::disabled());
    let runtime = multi_thread();
    for _ in 0..3 {
        assert_eq!(runtime.block_on(rows.quick_row(1)), 10);
        assert_eq!(rows.row_blocking(1), 10);
    }
    assert_eq!(rows.loads.get(), 6);
    let key = cached_runtime::key!("row:1");
    assert_eq!(runtime.block_on(rows.cache.get::<u64>(&key)), None);
    let put = runtime.block_on(rows.cache.put(&key, &1_u64, std::time::Duration::from_secs(1)));
    assert!(matches!(put, Err(cached_runtime::Error::Disabled)), "{put:?}");
    // Nothing is stored, so nothing is stale.
    assert!(runtime.block_on(rows.cache.invalidate(&key)).is_ok());
}

#[test]
fn the_last_installed_cache_counts() {
    let (first, second) = (Cache::in_memory(), Cache::in_memory());
    let _installed = install(&first);
    let loads = Count::default();
    assert_eq!(row_blocking(1, &loads), Ok(10));
    second.install();
    assert_eq!(row_blocking(1, &loads), Ok(10));
    assert_eq!(loads.get(), 2);
    assert_eq!((first.stats().total().stores, second.stats().total().stores), (1, 1));
}
