//! The scope of a database transaction: nothing read inside is cached, and what is invalidated inside waits for the
//! commit.

use std::convert::Infallible;
use std::time::Duration;

use cached_runtime::{Cache, Error, cached, invalidate, key, write_through};
use futures_util::FutureExt;

use crate::logged;
use crate::patience::{SteeredWorld, patient};
use crate::row::Row;
use crate::steered::Op;
use crate::support::{Redis, eventually};
use crate::{on_both_backends, promises};

const MINUTE: Duration = Duration::from_secs(60);

impl Row {
    #[invalidate(key = "row:<id>", tag = "all", cache = self.cache.clone())]
    async fn write_inside(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn fail_inside(&self, id: usize) -> Result<u64, String> {
        self.writing.pass().await;
        Err("no".to_owned())
    }

    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn write_hidden_inside(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn write_through_inside(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[invalidate(key = "row:<id>", tag = "all", after_commit, cache = self.cache.clone())]
    async fn write_after_commit(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    fn write_inside_blocking(&self, id: usize) -> u64 {
        self.commit_blocking()
    }

    #[invalidate(key = "row:<id>", after_commit, cache = self.cache.clone())]
    async fn write_too_early(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[cached(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    fn find_blocking(&self, id: usize) -> u64 {
        self.loads.add();
        self.version()
    }

    /// As somebody outside of this task sees it.
    async fn hit_outside(&self, id: usize) -> bool {
        let row = self.clone();
        tokio::spawn(async move { row.read(id).await.1 }).await.expect("no panic")
    }
}

promises! {
    async fn inside_every_read_loads_and_none_is_stored(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.find_tagged(1).await;
        row.commit_blocking();
        let scope = row.cache.transaction();
        for _ in 0..2 {
            row.must_load(1).await;
            row.must_load(2).await;
            assert_eq!(row.find_tagged(1).await, 2);
            assert_eq!(row.find_blocking(1), 2);
            let loaded = row.cache.get_or_load(key!("row:1"), MINUTE, || async { Ok::<_, Infallible>(9_u64) }).await;
            assert_eq!(loaded, Ok(9));
            assert_eq!(row.cache.get::<u64>(&key!("row:1")).await, None);
        }
        assert!(!row.hit_outside(2).await, "what was read inside was stored");
        assert!(row.hit_outside(1).await, "the entry from before is gone");
        drop(scope);
        row.must_hit(1, 1).await;
        assert_eq!(row.cache.stats().function("find").unwrap().bypasses, 4);
    }

    async fn what_is_invalidated_inside_waits_for_the_commit(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for id in 1..=5 {
            row.warm(id).await;
        }
        row.find_tagged(1).await;
        let scope = row.cache.transaction();
        row.write_inside(1).await.unwrap();
        row.write_after_commit(2).await;
        row.write_hidden_inside(3).await;
        row.write_through_inside(4).await;
        row.cache.invalidate(&key!("row:5")).await.unwrap();
        for id in 1..=5 {
            assert!(elsewhere.hit_outside(id).await, "{id}");
        }
        scope.commit().await.unwrap();
        for id in 1..=5 {
            elsewhere.must_load(id).await;
            row.must_hit(id, 5).await;
        }
        let before = row.loads.get();
        assert_eq!((row.find_tagged(1).await, row.loads.get()), (5, before + 1), "its tag was invalidated");
    }

    async fn a_scope_that_is_dropped_discards_what_was_queued(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.find_tagged(1).await;
        let scope = row.cache.transaction();
        row.write_inside(1).await.unwrap();
        row.write_through_inside(1).await;
        row.cache.put(&key!("row:1"), &7_u64, MINUTE).await.unwrap();
        row.cache.invalidate_tag(&key!("all")).await.unwrap();
        row.cache.clear().await.unwrap();
        drop(scope);
        row.must_hit(1, 1).await;
        let before = row.loads.get();
        assert_eq!((row.find_tagged(1).await, row.loads.get()), (1, before));
        assert_eq!(row.cache.stats().total().invalidations, 0);
    }

    async fn what_is_put_inside_is_not_stored_and_invalidates_with_the_commit(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let scope = row.cache.transaction();
        row.cache.put(&key!("row:1"), &7_u64, MINUTE).await.unwrap();
        assert!(row.hit_outside(1).await);
        scope.commit().await.unwrap();
        assert_eq!(row.cache.get::<u64>(&key!("row:1")).await, None);
        row.must_load(1).await;
    }

    async fn a_tag_and_everything_can_be_invalidated_with_the_commit(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.find_tagged(1).await;
        let scope = row.cache.transaction();
        row.cache.invalidate_tag(&key!("all")).await.unwrap();
        scope.commit().await.unwrap();
        row.must_hit(1, 1).await;
        let before = row.loads.get();
        assert_eq!((row.find_tagged(1).await, row.loads.get()), (1, before + 1));
        let scope = row.cache.transaction();
        row.cache.clear().await.unwrap();
        assert!(row.hit_outside(1).await);
        scope.commit().await.unwrap();
        row.must_load(1).await;
    }

    async fn a_load_outside_that_the_commit_overtakes_is_not_stored(world: World) {
        let row = Row::over(&world.cache);
        let standing = row.that_stands_still();
        let reader = tokio::spawn({
            let standing = standing.clone();
            async move { standing.find(1).await }
        });
        standing.loading.entered(1).await;
        let scope = row.cache.transaction();
        row.write_inside(1).await.unwrap();
        scope.commit().await.unwrap();
        standing.loading.open();
        assert_eq!(reader.await.unwrap(), Ok(1), "its caller came before the write");
        row.must_load(1).await;
    }

    async fn of_writers_inside_a_failed_one_queues_nothing_and_a_dropped_one_its_keys(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.warm(2).await;
        let scope = row.cache.transaction();
        row.fail_inside(1).await.unwrap_err();
        let standing = row.that_stands_still();
        assert!(standing.write_inside(2).now_or_never().is_none());
        assert!(row.hit_outside(2).await);
        scope.commit().await.unwrap();
        row.must_hit(1, 1).await;
        row.must_load(2).await;
    }

    async fn a_scope_belongs_to_its_task_and_to_all_that_runs_in_it(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.warm(2).await;
        let scope = row.cache.transaction();
        let outside = row.clone();
        tokio::spawn(async move {
            outside.must_hit(1, 1).await;
            outside.write_inside(1).await.unwrap();
            outside.must_load(1).await;
        }).await.unwrap();
        let inside = tokio::join!(row.read(1), async { row.read(2).await });
        assert_eq!(inside, ((2, false), (2, false)));
        // Ended by another task, it is ended for this one.
        tokio::spawn(scope.commit()).await.unwrap().unwrap();
        row.must_hit(1, 2).await;
    }

    async fn a_scope_is_of_one_cache(world: World) {
        let row = Row::over(&world.cache);
        let other = row.seen_from(Cache::in_memory());
        row.warm(1).await;
        other.warm(1).await;
        let scope = row.cache.transaction();
        other.must_hit(1, 1).await;
        other.write_inside(1).await.unwrap();
        other.must_load(1).await;
        row.must_load(1).await;
        let of_other = other.cache.transaction();
        other.write_inside(1).await.unwrap();
        row.write_inside(1).await.unwrap();
        drop(of_other);
        other.must_hit(1, 2).await;
        scope.commit().await.unwrap();
        row.must_load(1).await;
        other.must_hit(1, 2).await;
    }
}

on_both_backends! {
    async fn a_commit_is_one_round_trip_and_names_every_key_once(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        let scope = row.cache.transaction();
        for id in [1, 2, 1, 2, 3] {
            row.write_inside(id).await.unwrap();
            row.write_through_inside(id).await;
        }
        let begun = |ops: [Op; 4]| ops.map(|op| world.helm.begun(op));
        let none = [Op::Delete, Op::WriteBegin, Op::WriteEnd, Op::Acquire];
        assert_eq!(begun(none), [0; 4]);
        scope.commit().await.unwrap();
        assert_eq!(begun(none), [1, 0, 0, 0]);
        assert_eq!(world.helm.deleted()[0].len(), 4, "three keys and a tag");
        let empty = row.cache.transaction();
        empty.commit().await.unwrap();
        assert_eq!(begun(none), [1, 0, 0, 0]);
    }

    async fn a_commit_that_is_not_delivered_says_so_and_is_queued(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let scope = row.cache.transaction();
        row.write_inside(1).await.unwrap();
        world.helm.refuse(&[Op::Delete]);
        assert!(matches!(scope.commit().await, Err(Error::Refused(_))));
        row.must_load(1).await;
        row.must_load(1).await;
        world.helm.heal(&[Op::Delete]);
        eventually("it is not delivered", async || row.read(1).await == (2, true)).await;
    }

    async fn a_commit_that_is_dropped_on_its_way_is_delivered_all_the_same(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let scope = row.cache.transaction();
        row.write_inside(1).await.unwrap();
        world.helm.hold(&[Op::Delete]);
        assert!(scope.commit().now_or_never().is_none());
        world.helm.heal(&[Op::Delete]);
        eventually("the database has committed, and the old value stays", async || row.read(1).await == (2, false)).await;
        row.must_hit(1, 2).await;
    }
}

#[tokio::test]
async fn a_writer_without_the_scope_it_waits_for_says_once_what_is_missing() {
    logged::listen();
    let row = Row::over(&Cache::in_memory());
    let scope = row.cache.transaction();
    row.write_too_early(1).await;
    drop(scope);
    let warnings = || logged::warnings(&["write_too_early", "`cache.transaction()`"]);
    assert_eq!(warnings(), 0);
    for _ in 0..3 {
        row.write_too_early(1).await;
    }
    assert_eq!(warnings(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_scope_a_writer_that_waits_for_a_commit_hides_its_keys_for_a_while() {
    let row = Row::over(&Cache::in_memory());
    row.warm(1).await;
    row.find_tagged(1).await;
    assert_eq!(row.write_after_commit(1).await, 2);
    for _ in 0..4 {
        row.must_load(1).await;
        let before = row.loads.get();
        assert_eq!((row.find_tagged(1).await, row.loads.get()), (2, before + 1));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    row.must_load(1).await;
    row.must_hit(1, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_writer_without_the_scope_it_waits_for_leaves_a_marker_that_expires() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    row.warm(1).await;
    row.write_after_commit(1).await;
    for key in ["test:row:1", "test:%tag:all"] {
        let ttl: i64 = redis.command(&["PTTL", key]);
        assert!((1..=5_000).contains(&ttl), "{key}: {ttl}");
    }
    row.must_load(1).await;
    row.must_load(1).await;
}
