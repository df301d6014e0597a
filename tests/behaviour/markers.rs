//! Writers that hide what they write while they write it.

use std::time::Duration;

use cached_runtime::{Cache, invalidate, key};
use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use crate::patience::{SteeredWorld, patient};
use crate::row::Row;
use crate::steered::Op;
use crate::steps::polled;
use crate::support::Redis;
use crate::{on_both_backends, promises};

const LONG: Duration = Duration::from_secs(5);

impl Row {
    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn write_hidden(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_openly(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn fail_hidden(&self, id: usize) -> Result<u64, String> {
        self.writing.pass().await;
        Err("no".to_owned())
    }

    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn panic_hidden(&self, id: usize) -> Result<u64, String> {
        self.commit().await;
        // Prints nothing, unlike `panic!`.
        std::panic::resume_unwind(Box::new("as it should"))
    }

    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn write_for(&self, id: usize, long: Duration) -> u64 {
        sleep(long).await;
        self.commit().await
    }

    #[invalidate(key = "row:<id>", key = "row:<result>", tag = "all", two_phase, cache = self.cache.clone())]
    async fn write_with_others(&self, id: usize) -> usize {
        self.commit().await;
        id + 1
    }
}

promises! {
    async fn while_a_two_phase_write_runs_every_reader_loads_and_stores_nothing(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        row.warm(1).await;
        let writer = row.that_stands_still();
        let writing = tokio::spawn({
            let writer = writer.clone();
            async move { writer.write_hidden(1).await }
        });
        writer.writing.entered(1).await;
        for _ in 0..3 {
            row.must_load(1).await;
            elsewhere.must_load(1).await;
            assert_eq!(row.cache.get::<u64>(&key!("row:1")).await, None);
        }
        writer.writing.open();
        writer.written.entered(1).await;
        row.must_load(1).await;
        elsewhere.must_load(1).await;
        writer.written.open();
        assert_eq!(writing.await.unwrap(), Ok(2));
        row.must_load(1).await;
        elsewhere.must_hit(1, 2).await;
    }

    async fn while_a_write_in_one_phase_runs_the_value_from_before_it_is_served(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let writer = row.that_stands_still();
        let writing = tokio::spawn({
            let writer = writer.clone();
            async move { writer.write_openly(1).await }
        });
        writer.writing.entered(1).await;
        row.must_hit(1, 1).await;
        writer.writing.open();
        writer.written.entered(1).await;
        row.must_hit(1, 1).await;
        writer.written.open();
        writing.await.unwrap().unwrap();
        row.must_load(1).await;
    }

    async fn a_load_that_runs_when_a_two_phase_write_begins_is_neither_stored_nor_joined(world: World) {
        let row = Row::standing_still(&world.cache);
        let reader = tokio::spawn({
            let row = row.clone();
            async move { row.find(1).await }
        });
        row.loading.entered(1).await;
        let writing = tokio::spawn({
            let row = row.clone();
            async move { row.write_hidden(1).await }
        });
        row.writing.entered(1).await;
        let during = tokio::spawn({
            let row = row.clone();
            async move { row.find(1).await }
        });
        timeout(LONG, row.loading.entered(2)).await.expect("it waits for a load that began before the write");
        row.loading.open();
        assert_eq!((reader.await.unwrap(), during.await.unwrap()), (Ok(1), Ok(1)), "nothing is committed");
        row.must_load(1).await;
        row.writing.open();
        row.written.open();
        writing.await.unwrap().unwrap();
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn after_an_err_nothing_stays_hidden(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(row.fail_hidden(1).await, Err("no".to_owned()));
        row.must_load(1).await;
        row.must_hit(1, 1).await;
    }

    async fn after_a_panic_nothing_stays_hidden_and_nothing_old_is_left(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let panicking = row.clone();
        let panicked = tokio::spawn(async move { panicking.panic_hidden(1).await }).await;
        assert!(panicked.expect_err("it panics").is_panic());
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn a_two_phase_writer_dropped_at_any_await_point_leaves_nothing_hidden_and_nothing_old(world: World) {
        for polls in 0..1000 {
            let row = Row::over(&world.cache);
            row.warm(polls).await;
            let mut writer = Box::pin(row.write_hidden(polls));
            let ended = polled(&mut writer, polls).await.is_some();
            drop(writer);
            assert_eq!(row.read(polls).await.0, row.version(), "dropped after {polls} polls");
            assert_eq!(row.read(polls).await, (row.version(), true), "hidden: dropped after {polls} polls");
            row.seen_from(world.other_process()).must_hit(polls, row.version()).await;
            if ended {
                assert!(polls > 2, "the body itself waits twice");
                return;
            }
        }
    }

    async fn of_two_writers_that_overlap_neither_leaves_anything_old_or_hidden(world: World) {
        for first in [true, false] {
            let row = Row::over(&world.cache);
            row.warm(1).await;
            let [one, two] = [row.that_stands_still(), row.that_stands_still()];
            let mut writing = Vec::new();
            for writer in [&one, &two] {
                let running = writer.clone();
                writing.push(tokio::spawn(async move { running.write_hidden(1).await }));
                writer.writing.entered(1).await;
            }
            // One ends while the other still writes.
            let order = if first { [&one, &two] } else { [&two, &one] };
            for (writer, at) in order.into_iter().zip(if first { [0, 1] } else { [1, 0] }) {
                row.read(1).await;
                writer.writing.open();
                writer.written.entered(1).await;
                row.read(1).await;
                writer.written.open();
                let ended = std::mem::replace(&mut writing[at], tokio::spawn(async { Ok(0) }));
                ended.await.unwrap().unwrap();
                assert_eq!(row.read(1).await.0, row.version());
            }
            row.must_hit(1, 3).await;
            row.cache.invalidate(&key!("row:1")).await.unwrap();
        }
    }

    async fn a_two_phase_write_hides_what_has_its_tags_and_invalidates_what_its_result_names(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for id in 1..=2 {
            row.warm(id).await;
            row.find_tagged(id).await;
        }
        let writer = row.that_stands_still();
        let writing = tokio::spawn({
            let writer = writer.clone();
            async move { writer.write_with_others(1).await }
        });
        writer.writing.entered(1).await;
        for _ in 0..2 {
            for row in [&row, &elsewhere] {
                let before = row.loads.get();
                assert_eq!((row.find_tagged(1).await, row.find_tagged(2).await), (1, 1));
                assert_eq!(row.loads.get(), before + 2, "not hidden, or stored");
                assert_eq!(row.cache.get::<u64>(&key!("tagged:1")).await, None);
            }
        }
        row.must_hit(2, 1).await;
        writer.writing.open();
        writer.written.open();
        assert_eq!(writing.await.unwrap(), 2);
        for id in 1..=2 {
            row.must_load(id).await;
            let before = row.loads.get();
            assert_eq!((row.find_tagged(id).await, elsewhere.find_tagged(id).await), (2, 2));
            assert_eq!(row.loads.get(), before + 1, "loaded once, stored and shared again");
        }
    }
}

on_both_backends! {
    async fn hiding_is_one_round_trip_and_invalidating_another(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.write_with_others(1).await;
        assert_eq!((world.helm.begun(Op::WriteBegin), world.helm.begun(Op::Delete)), (1, 1));
        let deleted = world.helm.deleted();
        assert_eq!(deleted[0].len(), 3, "{deleted:?}");
    }

    async fn a_marker_that_cannot_be_put_does_not_hinder_the_write(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        world.helm.refuse(&[Op::WriteBegin]);
        assert_eq!(row.write_hidden(1).await, Ok(2));
        row.must_load(1).await;
        // Put, and not known to be.
        world.helm.lose_answers(&[Op::WriteBegin]);
        assert_eq!(row.write_hidden(1).await, Ok(3));
        row.must_load(1).await;
        row.must_hit(1, 3).await;
        assert_eq!(row.cache.stats().function("write_hidden").unwrap().errors, 2);
    }

    async fn a_writer_dropped_while_its_marker_is_put_leaves_nothing_hidden(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        world.helm.hold_answers(&[Op::WriteBegin]);
        let mut writer = Box::pin(row.write_hidden(1));
        assert!((&mut writer).now_or_never().is_none());
        world.helm.has_begun(Op::WriteBegin, 1).await;
        // The next command is executed after it.
        row.must_load(1).await;
        assert!((&mut writer).now_or_never().is_none());
        row.must_load(1).await;
        drop(writer);
        row.must_load(1).await;
        row.must_hit(1, 1).await;
        assert_eq!(row.writing.loads(), 0);
    }

    async fn a_failed_write_whose_marker_was_put_unheard_leaves_nothing_hidden(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        world.helm.lose_answers(&[Op::WriteBegin]);
        assert_eq!(row.fail_hidden(1).await, Err("no".to_owned()));
        row.must_load(1).await;
        row.must_hit(1, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_lives_as_long_as_its_writer_but_not_for_ever() {
    let row = Row::over(&Cache::in_memory());
    let writing = tokio::spawn({
        let row = row.clone();
        async move { row.write_for(1, Duration::from_secs(60)).await }
    });
    // Far past its lease of two seconds.
    for _ in 0..29 {
        sleep(Duration::from_secs(1)).await;
        row.must_load(1).await;
    }
    // After `load_timeout` nobody keeps it alive: a writer that hangs must not keep its key out of the cache.
    sleep(Duration::from_secs(6)).await;
    row.must_load(1).await;
    row.must_hit(1, 1).await;
    assert_eq!(writing.await.unwrap(), 2);
    row.must_load(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_marker_has_an_expiry_and_no_value() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    row.warm(1).await;
    let writer = row.that_stands_still();
    let writing = tokio::spawn({
        let writer = writer.clone();
        async move { writer.write_hidden(1).await }
    });
    writer.writing.entered(1).await;
    let held: Vec<u8> = redis.command(&["GET", "test:row:1"]);
    assert_eq!((held.len(), &held[..2]), (18, &b"\xC5W"[..]));
    let ttl: i64 = redis.command(&["PTTL", "test:row:1"]);
    assert!((1..=2_000).contains(&ttl), "{ttl}");
    writer.writing.open();
    writer.written.open();
    writing.await.unwrap().unwrap();
    assert_eq!(redis.command::<u64>(&["EXISTS", "test:row:1"]), 0);
}
