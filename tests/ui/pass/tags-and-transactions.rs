//! Tags in readers and writers, and what stands inside of a transaction.

#![deny(warnings)]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cached_runtime::{Cache, cached, invalidate, write_through};

/// By the name of its type, a transaction of a database.
struct Transaction<'c>(&'c AtomicU32);

static LOADS: AtomicU32 = AtomicU32::new(0);

#[cached(key = "user:<id>", tag = "org:<org.0>", tag = "users", ttl = 60, skip(org))]
async fn find(org: &(u32,), id: u32) -> Option<u32> {
    let _of = org;
    LOADS.fetch_add(1, Relaxed);
    Some(id)
}

#[cached(key = "user:<id>", ttl = 60, bypass_in_transaction)]
async fn find_in(tx: &mut Transaction<'_>, id: u32) -> Option<u32> {
    tx.0.fetch_add(1, Relaxed);
    Some(id)
}

#[cached(key = "user:<id>", ttl = 60, bypass_in_transaction, when = id > 0)]
fn find_blocking(tx: &Transaction<'_>, id: u32) -> Option<u32> {
    tx.0.fetch_add(1, Relaxed);
    Some(id)
}

#[invalidate(tag = "org:<org>")]
async fn leave(org: u32) -> Result<(), String> {
    if org == 0 { Err("zero".to_owned()) } else { Ok(()) }
}

#[invalidate(tag = "org:<result.0>", tag = "users")]
fn dissolve(org: u32) -> Option<(u32,)> {
    Some((org,))
}

#[invalidate(key = "user:<id>", after_commit)]
async fn rename(tx: &mut Transaction<'_>, id: u32) -> Result<(), String> {
    tx.0.fetch_add(id, Relaxed);
    Ok(())
}

#[write_through(key = "user:<id>", ttl = 60, value = id, after_commit)]
async fn save(tx: &mut Transaction<'_>, id: u32) -> Result<(), String> {
    tx.0.fetch_add(id, Relaxed);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    let mut expected = 0;
    for writer in 0..4 {
        for _ in 0..2 {
            assert_eq!(find(&(1,), 5).await, Some(5));
        }
        expected += 1;
        assert_eq!(LOADS.load(Relaxed), expected, "before {writer}");
        match writer {
            0 => leave(1).await.unwrap(),
            1 => assert_eq!(dissolve(1), Some((1,))),
            2 => {
                assert!(leave(0).await.is_err());
                expected -= 1;
            }
            _ => leave(2).await.unwrap(),
        }
    }

    let reads = AtomicU32::new(0);
    let mut tx = Transaction(&reads);
    for _ in 0..2 {
        assert_eq!(find_in(&mut tx, 5).await, Some(5));
        assert_eq!(find_blocking(&tx, 5), Some(5));
    }
    assert_eq!(reads.load(Relaxed), 4);

    let scope = cache.transaction();
    rename(&mut tx, 5).await.unwrap();
    save(&mut tx, 5).await.unwrap();
    scope.commit().await.unwrap();
    let loads = LOADS.load(Relaxed);
    assert_eq!(find(&(1,), 5).await, Some(5));
    assert_eq!(LOADS.load(Relaxed), loads + 1);
}
