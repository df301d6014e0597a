//! Writers that store what they write: readers hit without a load, and nothing older ever stays.

use std::time::Duration;

use cached_runtime::{cached, invalidate, key, write_through};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::patience::{SteeredWorld, patient};
use crate::row::Row;
use crate::steered::Op;
use crate::steps::polled;
use crate::support::{Redis, eventually};
use crate::{on_both_backends, promises};

const LONG: Duration = Duration::from_secs(5);

/// A value that JSON cannot give back: it is `null` there.
const UNSTORABLE: f64 = f64::NAN;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    id: usize,
    owner: String,
}

impl Row {
    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn write_back(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn fail_to_write(&self, id: usize) -> Result<u64, String> {
        Err(format!("no {id}"))
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_away(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[write_through(key = "account:<account.id>", ttl = 60, value = account, cache = self.cache.clone())]
    async fn save(&self, account: &Account) -> Result<(), String> {
        self.commit().await;
        if account.owner.is_empty() { Err("nobody's".to_owned()) } else { Ok(()) }
    }

    #[cached(key = "account:<id>", ttl = 60, cache = self.cache.clone())]
    async fn account(&self, id: usize) -> Option<Account> {
        self.load().await;
        None
    }

    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn remove(&self, id: usize) -> Result<Option<u64>, String> {
        self.commit().await;
        Ok(None)
    }

    #[write_through(key = "maybe:<id>", ttl = 60, none_ttl = 30, cache = self.cache.clone())]
    async fn set_maybe(&self, id: usize, there: bool) -> Option<u64> {
        let version = self.commit().await;
        there.then_some(version)
    }

    #[cached(key = "maybe:<id>", ttl = 60, cache = self.cache.clone())]
    async fn maybe(&self, id: usize) -> Option<u64> {
        Some(self.load().await)
    }

    #[write_through(key = "row:<id>", ttl = 60, unless = |version| *version < 5, cache = self.cache.clone())]
    async fn write_from_five_on(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[write_through(key = "row:<id>", ttl = |version| *version - 2, jitter = 0.0, cache = self.cache.clone())]
    async fn write_for_so_long(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[write_through(key = "row:<id>", ttl = never, cache = self.cache.clone())]
    async fn write_for_ever(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[write_through(key = "number:<id>", ttl = 60, cache = self.cache.clone())]
    async fn set_number(&self, id: usize, number: f64) -> Result<f64, String> {
        self.commit().await;
        Ok(number)
    }

    #[cached(key = "number:<id>", ttl = 60, cache = self.cache.clone())]
    async fn number(&self, id: usize) -> f64 {
        self.load().await as f64
    }

    #[write_through(key = "row:<id>", ttl = 60, when = id > 1, cache = self.cache.clone())]
    async fn write_when_told(&self, id: usize) -> u64 {
        self.commit().await
    }
}

promises! {
    async fn what_a_write_returned_is_a_hit_everywhere(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for version in 2..5 {
            assert_eq!(elsewhere.write_back(1).await, Ok(version));
            row.must_hit(1, version).await;
            elsewhere.must_hit(1, version).await;
        }
        assert_eq!(row.loads.get(), 0);
        assert_eq!(elsewhere.cache.stats().function("write_back").unwrap().stores, 3);
    }

    async fn an_argument_is_stored_where_nothing_is_returned(world: World) {
        let row = Row::over(&world.cache);
        let ann = Account { id: 1, owner: "Ann".to_owned() };
        assert_eq!(row.save(&ann).await, Ok(()));
        assert_eq!(row.account(1).await, Some(ann.clone()));
        assert_eq!(row.loads.get(), 0);
        let nobody = Account { owner: String::new(), ..ann };
        assert_eq!(row.save(&nobody).await, Err("nobody's".to_owned()));
        assert_eq!(row.account(1).await, None, "what was not written is not there");
    }

    async fn a_write_that_failed_stores_nothing_and_its_error_comes_back_as_it_was(world: World) {
        let row = Row::over(&world.cache);
        row.write_back(1).await.unwrap();
        assert_eq!(row.fail_to_write(1).await, Err("no 1".to_owned()));
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn a_none_is_stored_where_it_has_a_ttl_and_else_removes_the_entry(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(row.remove(1).await, Ok(None));
        row.must_load(1).await;
        assert_eq!(row.set_maybe(1, true).await, Some(3));
        assert_eq!(row.maybe(1).await, Some(3));
        assert_eq!(row.set_maybe(1, false).await, None);
        let loads = row.loads.get();
        assert_eq!(row.maybe(1).await, None);
        assert_eq!(row.loads.get(), loads, "the absence is no hit");
    }

    async fn what_is_not_to_be_stored_or_cannot_be_removes_the_entry(world: World) {
        let row = Row::over(&world.cache);
        for version in 2..5 {
            row.warm(1).await;
            assert_eq!(row.write_from_five_on(1).await, version);
            row.must_load(1).await;
        }
        assert_eq!(row.write_from_five_on(1).await, 5);
        row.must_hit(1, 5).await;

        assert_eq!(row.set_number(1, 0.5).await, Ok(0.5));
        assert_eq!(row.number(1).await, 0.5);
        assert!(row.set_number(1, UNSTORABLE).await.unwrap().is_nan(), "the caller gets it all the same");
        assert_eq!(row.number(1).await, 7.0, "loaded");
        let stats = row.cache.stats();
        assert_eq!((stats.function("set_number").unwrap().unstorable, stats.total().late_fills), (1, 0));
    }

    async fn a_value_that_says_its_own_ttl_is_kept_as_long_and_with_zero_not_at_all(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(row.write_for_so_long(1).await, 2);
        row.must_load(1).await;
        row.write_away(1).await;
        for _ in 4..60 {
            row.commit_blocking();
        }
        assert_eq!(row.write_for_so_long(1).await, 60);
        row.must_hit(1, 60).await;
        if let Some(redis) = &world.redis {
            let ttl: u64 = redis.command(&["PTTL", "test:row:1"]);
            assert!((50_000..=58_000).contains(&ttl), "{ttl}");
        }
    }

    async fn a_write_that_does_not_use_the_cache_changes_nothing_in_it(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(row.write_when_told(1).await, 2);
        row.must_hit(1, 1).await;
        assert_eq!(row.write_when_told(2).await, 3);
        row.must_hit(2, 3).await;
    }

    async fn of_writes_that_overlap_nothing_stays_whoever_commits_first_and_whoever_ends_first(world: World) {
        for (first_to_commit, first_to_end) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let row = Row::over(&world.cache);
            row.warm(1).await;
            let writers = [row.that_stands_still(), row.seen_from(world.other_process()).that_stands_still()];
            let mut writing = Vec::new();
            for writer in &writers {
                let running = writer.clone();
                writing.push(Some(tokio::spawn(async move { running.write_back(1).await })));
                writer.writing.entered(1).await;
            }
            for writer in [first_to_commit, 1 - first_to_commit] {
                writers[writer].writing.open();
                writers[writer].written.entered(1).await;
                row.must_load(1).await;
            }
            let first = writing[first_to_end].take().unwrap();
            writers[first_to_end].written.open();
            let written = first.await.unwrap().unwrap();
            // The other has committed and not ended: nothing older than what has ended is seen.
            assert!(row.read(1).await.0 >= written);
            let second = writing[1 - first_to_end].take().unwrap();
            writers[1 - first_to_end].written.open();
            second.await.unwrap().unwrap();
            assert_eq!(row.cache.get::<u64>(&key!("row:1")).await, None);
            row.must_load(1).await;
            row.must_hit(1, 3).await;
            row.cache.invalidate(&key!("row:1")).await.unwrap();
        }
    }

    async fn an_invalidation_during_a_write_ends_it_in_nothing(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        let writer = row.that_stands_still();
        let writing = tokio::spawn({
            let writer = writer.clone();
            async move { writer.write_back(1).await }
        });
        writer.writing.open();
        writer.written.entered(1).await;
        assert_eq!(elsewhere.write_away(1).await, 3, "committed after the other, which has not ended yet");
        writer.written.open();
        assert_eq!(writing.await.unwrap(), Ok(2));
        row.must_load(1).await;
        assert_eq!(row.cache.stats().function("write_back").unwrap().stores, 0);
    }

    async fn a_load_that_a_write_overtakes_neither_overwrites_it_nor_is_joined_after_it(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        let reader = row.that_stands_still();
        let reading = tokio::spawn({
            let reader = reader.clone();
            async move { reader.find(1).await }
        });
        reader.loading.entered(1).await;
        assert_eq!(elsewhere.write_back(1).await, Ok(2));
        elsewhere.must_hit(1, 2).await;
        // The load is still there, and of no use to whoever comes now.
        let later = tokio::spawn({
            let row = row.clone();
            async move { row.find(1).await }
        });
        reader.loading.open();
        assert_eq!(reading.await.unwrap(), Ok(1), "its caller came before the write");
        assert_eq!(timeout(LONG, later).await.expect("it waits on").unwrap(), Ok(2));
        row.must_hit(1, 2).await;
        assert_eq!(row.cache.stats().function("find").unwrap().late_fills, 1);
    }

    async fn a_load_that_begins_during_a_write_is_neither_stored_nor_joined_after_it(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        let (writer, reader) = (row.that_stands_still(), elsewhere.that_stands_still());
        let writing = tokio::spawn({
            let writer = writer.clone();
            async move { writer.write_back(1).await }
        });
        writer.writing.entered(1).await;
        let reading = tokio::spawn({
            let reader = reader.clone();
            async move { reader.find(1).await }
        });
        reader.loading.entered(1).await;
        writer.writing.open();
        writer.written.open();
        assert_eq!(writing.await.unwrap(), Ok(2));
        row.must_hit(1, 2).await;
        let later = tokio::spawn({
            let elsewhere = elsewhere.clone();
            async move { elsewhere.find(1).await }
        });
        reader.loading.open();
        assert_eq!(reading.await.unwrap(), Ok(1));
        assert_eq!(timeout(LONG, later).await.expect("it waits on").unwrap(), Ok(2));
        row.must_hit(1, 2).await;
    }

    async fn a_write_dropped_at_any_await_point_leaves_nothing_old_and_nothing_hidden(world: World) {
        for polls in 0..1000 {
            let row = Row::over(&world.cache);
            row.warm(polls).await;
            let mut writer = Box::pin(row.write_back(polls));
            let ended = polled(&mut writer, polls).await.is_some();
            drop(writer);
            assert_eq!(row.read(polls).await.0, row.version(), "dropped after {polls} polls");
            row.must_hit(polls, row.version()).await;
            row.seen_from(world.other_process()).must_hit(polls, row.version()).await;
            if ended {
                assert!(polls > 2, "the body itself waits twice");
                return;
            }
        }
    }
}

on_both_backends! {
    async fn a_write_costs_one_round_trip_before_and_one_after(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.write_back(1).await.unwrap();
        let begun = [Op::WriteBegin, Op::WriteEnd, Op::Delete, Op::Stamps, Op::Acquire].map(|op| world.helm.begun(op));
        assert_eq!(begun, [1, 1, 0, 0, 0]);
    }

    async fn a_write_whose_marker_was_not_put_ends_in_a_deletion(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        world.helm.refuse(&[Op::WriteBegin]);
        assert_eq!(row.write_back(1).await, Ok(2));
        row.must_load(1).await;
        world.helm.lose_answers(&[Op::WriteBegin]);
        assert_eq!(row.write_back(1).await, Ok(3));
        row.must_load(1).await;
        row.must_hit(1, 3).await;
        assert_eq!((world.helm.begun(Op::WriteEnd), world.helm.begun(Op::Delete)), (0, 2));
    }

    async fn a_write_whose_end_was_not_heard_is_undone_before_this_process_serves_the_key_again(world: World) {
        let world = SteeredWorld::from(world);
        for (lost, undelivered) in [(false, 1), (true, 2)] {
            let row = Row::over(&world.cache);
            row.warm(1).await;
            world.helm.refuse(&[Op::Delete]);
            if lost { world.helm.lose_answers(&[Op::WriteEnd]) } else { world.helm.refuse(&[Op::WriteEnd]) }
            assert_eq!(row.write_back(1).await, Ok(2));
            for _ in 0..3 {
                row.must_load(1).await;
            }
            assert_eq!(row.cache.stats().function("write_back").unwrap().undelivered, undelivered);
            world.helm.heal(&[Op::Delete, Op::WriteEnd]);
            eventually("the key stays out of use", async || row.read(1).await == (2, true)).await;
            row.cache.invalidate(&key!("row:1")).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_what_is_written_for_ever_has_no_expiry_and_its_epoch_stays() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    row.write_for_ever(1).await;
    assert_eq!(redis.command::<i64>(&["PTTL", "test:row:1"]), -1);
    assert_eq!(redis.command::<i64>(&["PTTL", "test:%epoch"]), -1, "it outlives what carries it");
    row.must_hit(1, 2).await;
}
