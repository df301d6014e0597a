//! What is a `Result` and what an `Option` is told by the type, through aliases and in spite of names.

#![deny(warnings)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, cached};
use serde::{Deserialize, Serialize};

static LOADS: AtomicUsize = AtomicUsize::new(0);

type Res<T> = Result<T, String>;
type Perhaps<T> = Option<T>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SearchResult {
    hits: u32,
}

/// No `Option` at all.
mod own {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub enum Option<T> {
        None,
        Some(T),
    }
}

#[cached(key = "alias:<ok>", ttl = 60)]
async fn alias(ok: bool) -> Res<Perhaps<u8>> {
    LOADS.fetch_add(1, Relaxed);
    if ok { Ok(Some(1)) } else { Err("no".into()) }
}

#[cached(key = "absent", ttl = 60)]
async fn absent() -> Perhaps<u8> {
    LOADS.fetch_add(1, Relaxed);
    None
}

#[cached(key = "own", ttl = 60)]
async fn own() -> own::Option<u8> {
    LOADS.fetch_add(1, Relaxed);
    if LOADS.load(Relaxed) > 100 {
        own::Option::Some(1)
    } else {
        own::Option::None
    }
}

#[cached(key = "search", ttl = 60)]
async fn search() -> SearchResult {
    LOADS.fetch_add(1, Relaxed);
    SearchResult { hits: 3 }
}

#[cached(key = "whole", ttl = 60, returns = value)]
async fn whole() -> Result<u8, String> {
    LOADS.fetch_add(1, Relaxed);
    Err("kept".into())
}

#[cached(key = "decreed", ttl = 60, returns = result)]
async fn decreed() -> Res<u8> {
    LOADS.fetch_add(1, Relaxed);
    Ok(1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    let loads = || LOADS.swap(0, Relaxed);
    for _ in 0..2 {
        assert_eq!(alias(true).await, Ok(Some(1)));
    }
    assert_eq!(loads(), 1);
    for _ in 0..2 {
        assert!(alias(false).await.is_err());
    }
    assert_eq!(loads(), 2, "errors are never cached");
    for _ in 0..2 {
        assert_eq!(absent().await, None);
    }
    assert_eq!(loads(), 2, "`None` is not cached without `none_ttl`");
    for _ in 0..2 {
        assert_eq!(own().await, own::Option::None);
        assert_eq!(search().await, SearchResult { hits: 3 });
        assert_eq!(decreed().await, Ok(1));
    }
    assert_eq!(loads(), 3);
    assert_eq!(whole().await, Err("kept".into()));
}
