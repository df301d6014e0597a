//! Invalidations that the store does not acknowledge: this process trusts nothing under their keys until it does.

use std::collections::HashMap;

use cached_runtime::{Cache, Error, Health, cached, invalidate, key};
use futures_util::FutureExt;

use crate::on_both_backends;
use crate::patience::SteeredWorld;
use crate::row::Row;
use crate::steered::{Helm, Op};
use crate::support::{World, eventually};

/// So many in the queue become one: the whole prefix.
const MOST: usize = 10_000;

#[derive(Debug, PartialEq)]
struct Written {
    version: u64,
}

impl Row {
    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_undelivered(&self, id: usize) -> Result<Written, String> {
        Ok(Written { version: self.commit().await })
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    fn write_undelivered_blocking(&self, id: usize) -> u64 {
        self.commit_blocking()
    }

    #[invalidate(tag = "all", cache = self.cache.clone())]
    async fn write_all_undelivered(&self) -> u64 {
        self.commit().await
    }

    #[cached(key = "row:<id>", each = id in ids, ttl = 60, cache = self.cache.clone())]
    async fn find_each(&self, ids: &[usize]) -> HashMap<usize, u64> {
        let version = self.load().await;
        ids.iter().map(|id| (*id, version)).collect()
    }

    async fn until_delivered(&self) {
        eventually("it is not delivered", async || self.cache.stats().queued == 0).await;
    }
}

on_both_backends! {
    async fn the_writer_returns_what_it_returns_and_the_invalidation_is_counted_and_queued(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(9).await;
        world.helm.refuse(&[Op::Delete]);
        assert_eq!(row.write_undelivered(1).await, Ok(Written { version: 2 }));
        assert_eq!(row.write_undelivered(2).await, Ok(Written { version: 3 }));
        assert_eq!(row.write_undelivered(2).await, Ok(Written { version: 4 }));
        let stats = world.cache.stats();
        let writer = stats.function("write_undelivered").unwrap();
        assert_eq!((writer.undelivered, writer.invalidations, stats.queued), (3, 0, 2));
        assert!(matches!(world.cache.health(), Health::Degraded { reason } if reason.contains("2 invalidations")));
        assert!(matches!(world.cache.invalidate(&key!("row:3")).await, Err(Error::Refused(_))));
        assert!(matches!(world.cache.invalidate_tag(&key!("all")).await, Err(Error::Refused(_))));
        world.helm.lose_answers(&[Op::Delete]);
        assert!(matches!(world.cache.invalidate(&key!("row:4")).await, Err(Error::Unavailable)));
        assert_eq!(world.cache.stats().queued, 5);
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        assert_eq!(world.cache.health(), Health::Up);
    }

    async fn until_it_is_delivered_this_process_serves_nothing_under_the_key_and_others_may(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        row.warm(1).await;
        row.warm(2).await;
        world.helm.refuse(&[Op::Delete]);
        row.write_undelivered(1).await.unwrap();
        if world.redis.is_some() {
            // Of which it has not heard.
            elsewhere.must_hit(1, 1).await;
        }
        for _ in 0..3 {
            row.must_load(1).await;
            row.must_hit(2, 1).await;
            assert_eq!(row.cache.get::<u64>(&key!("row:1")).await, None);
            assert_eq!(row.find_each(&[1, 2]).await, HashMap::from([(1, 2), (2, 1)]));
        }
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        elsewhere.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn an_undelivered_tag_is_about_all_that_carries_it(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.find_tagged(1).await;
        world.helm.refuse(&[Op::Delete]);
        row.write_all_undelivered().await;
        for _ in 0..3 {
            let before = row.loads.get();
            assert_eq!((row.find_tagged(1).await, row.find_tagged(2).await), (2, 2));
            assert_eq!(row.loads.get(), before + 2);
            assert_eq!(row.cache.get::<u64>(&key!("tagged:1")).await, None);
            row.must_hit(1, 1).await;
        }
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        let before = row.loads.get();
        assert_eq!((row.find_tagged(1).await, row.find_tagged(1).await, row.loads.get()), (2, 2, before + 1));
    }

    async fn an_undelivered_clear_is_about_everything(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.warm(2).await;
        row.commit_blocking();
        world.helm.refuse(&[Op::Delete]);
        world.cache.clear().await.expect_err("refused");
        for id in [1, 2, 1, 2] {
            row.must_load(id).await;
        }
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        for id in [1, 2] {
            row.must_load(id).await;
            row.must_hit(id, 2).await;
        }
    }

    async fn more_than_the_queue_holds_become_the_whole_prefix(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(MOST).await;
        row.warm(MOST + 1).await;
        let scope = world.cache.transaction();
        for id in 0..MOST {
            world.cache.invalidate(&key!("row:<id>")).await.unwrap();
        }
        row.commit_blocking();
        world.helm.refuse(&[Op::Delete]);
        scope.commit().await.expect_err("refused");
        assert_eq!(world.cache.stats().queued, MOST);
        row.must_hit(MOST + 1, 1).await;
        assert_eq!(row.write_undelivered(MOST).await, Ok(Written { version: 3 }));
        assert_eq!(world.cache.stats().queued, 1);
        row.must_load(MOST + 1).await;
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        // At once: what this process knew of the prefix from before is of no use to it any more.
        row.must_load(MOST).await;
        row.must_load(MOST + 1).await;
        row.must_hit(MOST, 3).await;
    }

    async fn a_writer_that_is_dropped_queues_what_it_cannot_deliver(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        world.helm.refuse(&[Op::Delete]);
        let standing = row.that_stands_still();
        assert!(standing.write_undelivered(1).now_or_never().is_none());
        eventually("it is not queued", async || world.cache.stats().queued == 1).await;
        row.must_load(1).await;
        row.must_load(1).await;
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        row.must_load(1).await;
        row.must_hit(1, 1).await;
    }

    async fn a_blocking_writer_queues_what_it_cannot_deliver(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        world.helm.refuse(&[Op::Delete]);
        let own = row.clone();
        assert_eq!(std::thread::spawn(move || own.write_undelivered_blocking(1)).join().unwrap(), 2);
        row.must_load(1).await;
        row.must_load(1).await;
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn an_invalidation_queued_while_another_of_its_key_is_on_its_way_is_not_done_with_that(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        world.helm.refuse(&[Op::Delete]);
        row.write_undelivered(1).await.unwrap();
        let attempts = world.helm.begun(Op::Delete);
        // The next attempt is carried out, and its answer is late.
        world.helm.hold_answers(&[Op::Delete]);
        world.helm.has_begun(Op::Delete, attempts + 1).await;
        world.helm.refuse(&[Op::Delete]);
        row.write_undelivered(1).await.unwrap();
        world.helm.answer(&[Op::Delete]);
        // One more attempt: by then that answer was heard.
        world.helm.has_begun(Op::Delete, world.helm.begun(Op::Delete) + 1).await;
        assert_eq!(world.cache.stats().queued, 1);
        row.must_load(1).await;
        row.must_load(1).await;
        world.helm.heal(&[Op::Delete]);
        row.until_delivered().await;
        row.must_load(1).await;
        row.must_hit(1, 3).await;
    }
}

/// A runtime on a thread of its own, which `use_it` may end.
fn in_a_runtime<T: Send>(use_it: impl AsyncFnOnce() -> T + Send) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(use_it())
}

#[test]
fn a_queue_whose_runtime_is_gone_is_delivered_by_whoever_asks_next() {
    let helm = Helm::new();
    let row = Row::over(&Cache::builder().wrap_store(helm.wrap()).build().unwrap());
    in_a_runtime(async || {
        row.warm(1).await;
        helm.refuse(&[Op::Delete]);
        row.write_undelivered(1).await.unwrap();
    });
    assert_eq!(row.cache.stats().queued, 1);
    helm.heal(&[Op::Delete]);
    in_a_runtime(async || {
        row.must_load(1).await;
        row.until_delivered().await;
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    });
}

#[tokio::test(start_paused = true)]
async fn who_closes_the_cache_waits_a_while_for_what_is_queued_and_hears_what_is_left() {
    let helm = Helm::new();
    let row = Row::over(&Cache::builder().wrap_store(helm.wrap()).build().unwrap());
    helm.refuse(&[Op::Delete]);
    for id in 1..=2 {
        row.write_undelivered(id).await.unwrap();
    }
    let began = tokio::time::Instant::now();
    assert_eq!(row.cache.close().await.undelivered, 2);
    assert!((5..10).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let closing = tokio::spawn({
        let cache = row.cache.clone();
        async move { cache.close().await }
    });
    let attempts = helm.begun(Op::Delete);
    helm.has_begun(Op::Delete, attempts + 3).await;
    helm.heal(&[Op::Delete]);
    assert_eq!(closing.await.unwrap().undelivered, 0);
    assert_eq!(row.cache.stats().queued, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_after_a_refused_invalidation_does_not_wait_for_another_process_with_who_came_before() {
    let world = SteeredWorld::from(World::redis());
    let row = Row::over(&world.cache);
    // The other process has read what is there before the write, and not stored it yet.
    let elsewhere = row.seen_from(world.other_process()).that_stands_still();
    let loading = tokio::spawn({
        let elsewhere = elsewhere.clone();
        async move { elsewhere.find(1).await }
    });
    elsewhere.loading.entered(1).await;
    world.helm.hold(&[Op::Delete]);
    let mut writing = Box::pin(row.write_undelivered(1));
    while world.helm.begun(Op::Delete) == 0 {
        assert!((&mut writing).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let before = tokio::spawn({
        let row = row.clone();
        async move { row.find(1).await }
    });
    eventually("nobody waits", async || row.cache.stats().total().lock_waits == 1).await;
    world.helm.refuse(&[Op::Delete]);
    writing.await.unwrap();
    let mut after = Box::pin(row.find(1));
    let at_once = (&mut after).now_or_never();
    elsewhere.loading.open();
    assert_eq!(loading.await.unwrap(), Ok(1));
    assert!(before.await.unwrap().is_ok(), "either will do for it");
    let after = match at_once {
        Some(after) => after,
        None => after.await,
    };
    assert_eq!(after, Ok(2), "served under a key whose invalidation is not delivered");
    world.helm.heal(&[Op::Delete]);
    row.until_delivered().await;
    row.must_load(1).await;
}
