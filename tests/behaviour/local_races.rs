//! Reads that are kept in the process, racing with the writes that make them old: twenty thousand times.

use std::time::Duration;

use cached_runtime::{Cache, cached, key};
use futures_util::future::join_all;

use crate::patience::patient;
use crate::row::Row;
use crate::support::{Redis, eventually};

const PAIRS: usize = 200;

impl Row {
    #[cached(key = "racing:<id>", ttl = 600, local, cache = &self.cache)]
    async fn racing(&self, id: usize) -> u64 {
        self.load().await
    }
}

fn local_hits(cache: &Cache) -> u64 {
    cache.stats().total().hits_local
}

async fn is_kept(row: &Row, id: usize) -> bool {
    let before = local_hits(&row.cache);
    row.racing(id).await;
    local_hits(&row.cache) > before
}

/// How many pairs of a read and a write end with the value from before the write, for good.
async fn stuck(redis: &Redis, cache: Cache, rounds: usize) -> usize {
    let row = Row::over(&cache);
    let elsewhere = row.seen_from(patient(redis));
    let mut stuck = 0;
    for _ in 0..rounds {
        // There is something to hit, and nothing kept.
        join_all((0..PAIRS).map(|id| elsewhere.racing(id))).await;
        let pairs = (0..PAIRS).map(|id| {
            let (row, elsewhere) = (row.clone(), elsewhere.clone());
            let read = tokio::spawn(async move { row.racing(id).await });
            let write = tokio::spawn(async move {
                let version = elsewhere.commit().await;
                elsewhere.cache.invalidate(key!("racing:<id>")).await.expect("Redis answers");
                version
            });
            async move {
                read.await.expect("no panic");
                write.await.expect("no panic")
            }
        });
        let versions = join_all(pairs).await;
        // Changes are told in their order: with this one all of them have been.
        eventually("a local hit", async || is_kept(&row, PAIRS).await).await;
        elsewhere.cache.invalidate(key!("racing:200")).await.expect("Redis answers");
        eventually("the last change", async || !is_kept(&row, PAIRS).await).await;
        for (id, version) in versions.into_iter().enumerate() {
            stuck += usize::from(row.racing(id).await < version);
        }
        // What the next round is to find is not kept by this one.
        join_all((0..PAIRS).map(|id| row.cache.invalidate(key!("racing:<id>")))).await;
    }
    stuck
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_value_is_kept_after_its_own_invalidation() {
    let redis = Redis::start();
    assert_eq!(stuck(&redis, patient(&redis), 100).await, 0, "of {}", 100 * PAIRS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_the_numbers_of_the_stripes_values_are_kept_after_their_invalidation() {
    let redis = Redis::start();
    // It is nearly one in five.
    let stuck =
        stuck(&redis, redis.builder().timeout(Duration::from_secs(5)).local_unchecked().build().unwrap(), 10).await;
    assert!(stuck > 0);
}
