//! `clear`: everything under a prefix is gone at once, for everybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, key, write_through};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::patience::{SteeredWorld, patient};
use crate::row::Row;
use crate::steered::Op;
use crate::support::{Count, Redis, eventually};
use crate::{on_both_backends, promises};

const LONG: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

impl Row {
    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn write_while_clearing(&self, id: usize) -> u64 {
        self.commit().await
    }
}

promises! {
    async fn after_a_clear_everything_is_a_miss_in_every_process(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for id in 0..10 {
            elsewhere.warm(id).await;
            row.find_tagged(id).await;
        }
        row.cache.put(&key!("put"), &1, MINUTE).await.unwrap();
        assert_eq!(elsewhere.cache.get::<i32>(&key!("put")).await, Some(1));
        row.commit_blocking();
        row.cache.clear().await.unwrap();
        for cache in [&row.cache, &elsewhere.cache] {
            assert_eq!(cache.get::<i32>(&key!("put")).await, None);
            assert_eq!(cache.get::<u64>(&key!("row:0")).await, None);
        }
        for id in 0..10 {
            elsewhere.must_load(id).await;
            row.must_hit(id, 2).await;
            let before = row.loads.get();
            assert_eq!((elsewhere.find_tagged(id).await, row.find_tagged(id).await), (2, 2));
            assert_eq!(row.loads.get(), before + 1);
        }
        row.cache.put(&key!("put"), &2, MINUTE).await.unwrap();
        assert_eq!(elsewhere.cache.get::<i32>(&key!("put")).await, Some(2));
    }

    async fn a_load_that_a_clear_overtakes_is_served_to_nobody_who_comes_later(world: World) {
        let row = Row::standing_still(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        let leading = tokio::spawn({
            let row = row.clone();
            async move { row.find(1).await }
        });
        row.loading.entered(1).await;
        // Who waits from before the clear may have either.
        let before = [&row, &elsewhere].map(|row| {
            let row = row.clone();
            tokio::spawn(async move { row.find(1).await })
        });
        if world.redis.is_some() {
            eventually("nobody waits", async || elsewhere.cache.stats().total().lock_waits > 0).await;
        }
        row.commit_blocking();
        elsewhere.cache.clear().await.unwrap();
        let mut after = [&row, &elsewhere].map(|row| {
            let row = row.clone();
            Box::pin(async move { row.find(1).await })
        });
        for joining in &mut after {
            assert!(joining.now_or_never().is_none());
        }
        row.loading.open();
        assert_eq!(leading.await.unwrap(), Ok(1), "its caller came before");
        for waiting in before {
            let waiting = timeout(LONG, waiting).await.expect("it waits on").unwrap();
            assert!(waiting == Ok(1) || waiting == Ok(2));
        }
        for waiting in after {
            let waiting = timeout(LONG, waiting).await.expect("it waits on");
            assert_eq!(waiting, Ok(2), "it came after the clear");
        }
        row.must_hit(1, 2).await;
        elsewhere.must_hit(1, 2).await;
    }

    async fn a_write_through_that_a_clear_overtakes_is_served_to_nobody(world: World) {
        let row = Row::standing_still(&world.cache);
        row.loading.open();
        let writing = tokio::spawn({
            let row = row.clone();
            async move { row.write_while_clearing(1).await }
        });
        row.writing.open();
        row.written.entered(1).await;
        row.commit_blocking();
        world.other_process().clear().await.unwrap();
        // This process hears of it before its write ends.
        row.warm(2).await;
        row.written.open();
        assert_eq!(writing.await.unwrap(), 2);
        row.must_load(1).await;
        row.must_hit(1, 3).await;
    }

    async fn a_read_that_begins_after_a_clear_never_sees_what_was_there_before(world: World) {
        let row = Row::over(&world.cache);
        let caches = [world.cache.clone(), world.other_process()];
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Count::default());
        let cleared = Arc::new(AtomicU64::new(1));
        let mut readers = JoinSet::new();
        for reader in 0..6 {
            let row = row.seen_from(caches[reader % 2].clone());
            let (stop, cleared, reads) = (Arc::clone(&stop), Arc::clone(&cleared), reads.clone());
            readers.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    for id in 0..3 {
                        let newest = cleared.load(Ordering::SeqCst);
                        let (seen, tagged) = (row.find(id).await.unwrap(), row.find_tagged(id).await);
                        assert!(seen >= newest && tagged >= newest, "{seen} and {tagged} after {newest}");
                        reads.add();
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        for _ in 0..3 {
            // Each reader has relied on what it knows for a while.
            let before = reads.get();
            eventually("nobody reads", async || reads.get() > before + 100).await;
            let version = row.commit_blocking();
            caches[0].clear().await.unwrap();
            cleared.store(version, Ordering::SeqCst);
        }
        let before = reads.get();
        eventually("nobody reads", async || reads.get() > before + 100).await;
        stop.store(true, Ordering::SeqCst);
        while let Some(ended) = readers.join_next().await {
            ended.expect("a read after a clear was stale");
        }
        let stats = caches[1].stats().total();
        assert!(stats.hits > stats.loads, "{stats:?}");
    }
}

on_both_backends! {
    async fn a_clear_is_one_deletion_of_one_key(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        for id in 0..10 {
            row.warm(id).await;
        }
        world.cache.clear().await.unwrap();
        let deleted = world.helm.deleted();
        assert_eq!((deleted.len(), deleted[0].len(), world.helm.begun(Op::Delete)), (1, 1, 1), "{deleted:?}");
        row.must_load(0).await;
    }
}

#[tokio::test]
async fn in_memory_a_clear_waits_for_nobody() {
    let row = Row::over(&Cache::in_memory());
    row.warm(1).await;
    let began = Instant::now();
    row.cache.clear().await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    row.must_load(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clear_leaves_other_prefixes_alone() {
    let redis = Redis::start();
    let cache = |prefix: &str| redis.builder().timeout(LONG).prefix(prefix).build().unwrap();
    let shop = Row::over(&cache("shop"));
    let others = ["blog", "shop2", "shop:eu", ""].map(|prefix| shop.seen_from(cache(prefix)));
    shop.warm(1).await;
    for other in &others {
        other.warm(1).await;
    }
    shop.cache.clear().await.unwrap();
    for other in &others {
        other.must_hit(1, 1).await;
    }
    shop.must_load(1).await;
    others[3].cache.clear().await.unwrap();
    shop.must_hit(1, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_clear_a_plain_del_from_outside_is_an_invalidation_as_ever() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    row.warm(1).await;
    row.cache.clear().await.unwrap();
    row.must_load(1).await;
    row.must_hit(1, 1).await;
    row.commit_blocking();
    assert_eq!(redis.command::<u64>(&["DEL", "test:row:1"]), 1, "the key has no epoch in its name");
    row.must_load(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_from_outside_costs_misses_and_nothing_else() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    let elsewhere = row.seen_from(patient(&redis));
    row.warm(1).await;
    elsewhere.must_hit(1, 1).await;
    for _ in 0..3 {
        row.commit_blocking();
        redis.command::<()>(&["FLUSHALL"]);
        assert_eq!(elsewhere.read(1).await.0, row.version());
        assert_eq!(row.read(1).await.0, row.version());
        // Those who still go by the epoch from before it find out within a second.
        eventually("no hits again", async || row.read(1).await.1 && elsewhere.read(1).await.1).await;
    }
}
