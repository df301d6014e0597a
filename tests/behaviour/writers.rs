//! Functions that write: when they invalidate, and that nothing else about them changes.

use cached_runtime::{Cache, invalidate, key};
use futures_util::FutureExt;

use crate::patience::{SteeredWorld, patient};
use crate::row::Row;
use crate::steered::Op;
use crate::steps::polled;
use crate::support::{Redis, eventually};
use crate::{on_both_backends, promises};

/// Neither `Clone` nor anything else that a cache could want.
#[derive(Debug, PartialEq)]
struct Refused {
    why: String,
}

impl From<std::num::ParseIntError> for Refused {
    fn from(error: std::num::ParseIntError) -> Self {
        Self { why: error.to_string() }
    }
}

struct Saved {
    alias: usize,
}

impl Row {
    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write(&self, id: usize) -> Result<u64, Refused> {
        Ok(self.commit().await)
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn fail(&self, id: usize) -> Result<u64, Refused> {
        tokio::task::yield_now().await;
        Err(Refused { why: format!("no {id}") })
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn leave_early(&self, id: usize, number: &str) -> Result<u64, Refused> {
        let by: u64 = number.parse()?;
        for _ in 0..by {
            self.commit().await;
        }
        if by > 0 {
            return Ok(self.version());
        }
        Err(Refused { why: "by nothing".to_owned() })
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_without_a_result(&self, id: usize) {
        self.commit().await;
    }

    #[invalidate(key = "row:<id>", returns = value, cache = self.cache.clone())]
    async fn write_and_complain(&self, id: usize) -> Result<u64, Refused> {
        Err(Refused { why: self.commit().await.to_string() })
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn panic(&self, id: usize) -> Result<u64, Refused> {
        self.commit().await;
        // Prints nothing, unlike `panic!`.
        std::panic::resume_unwind(Box::new("as it should"))
    }

    #[invalidate(key = "row:<id>", when = id > 1, cache = self.cache.clone())]
    async fn write_when(&self, id: usize) -> u64 {
        self.commit().await
    }

    /// The second key is known only afterwards, and only if there is somebody.
    #[invalidate(key = "row:<id>", key = "row:<result.alias>", cache = self.cache.clone())]
    async fn write_both(&self, id: usize, alias: Option<usize>) -> Result<Option<Saved>, Refused> {
        self.commit().await;
        Ok(alias.map(|alias| Saved { alias }))
    }

    #[invalidate(
        key = "row:1", key = "row:2", key = "row:<result>", key = "alias:<id>", tag = "all", tag = "org:<id>",
        cache = self.cache.clone()
    )]
    async fn write_many(&self, id: usize) -> Result<usize, Refused> {
        self.commit().await;
        Ok(id)
    }
}

#[invalidate(key = "row:<id>")]
async fn write_somewhere(row: &Row, id: usize) -> u64 {
    row.commit().await
}

promises! {
    async fn a_write_that_succeeded_is_followed_by_a_load_in_every_process(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for version in [2, 4, 6] {
            row.warm(1).await;
            row.warm(2).await;
            assert_eq!(elsewhere.write(1).await, Ok(version));
            row.must_load(1).await;
            elsewhere.must_hit(1, version).await;
            row.must_hit(2, version - 1).await;
            row.write_without_a_result(2).await;
            elsewhere.must_load(2).await;
            row.cache.invalidate(&key!("row:1")).await.unwrap();
        }
    }

    async fn a_write_that_failed_invalidates_nothing_and_its_error_comes_back_as_it_was(world: World) {
        let row = Row::over(&world.cache);
        row.warm(7).await;
        assert_eq!(row.fail(7).await, Err(Refused { why: "no 7".to_owned() }));
        row.must_hit(7, 1).await;
        assert_eq!(row.cache.stats().total().invalidations, 0);
    }

    async fn neither_an_early_return_nor_a_question_mark_gets_around_the_invalidation(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(row.leave_early(1, "2").await, Ok(3));
        row.must_load(1).await;
        assert_eq!(row.leave_early(1, "0").await, Err(Refused { why: "by nothing".to_owned() }));
        let refused = row.leave_early(1, "two").await.expect_err("no number");
        assert_eq!(refused.why, "two".parse::<u64>().unwrap_err().to_string());
        row.must_hit(1, 3).await;
    }

    async fn an_err_that_is_a_value_by_decree_invalidates(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(row.write_and_complain(1).await, Err(Refused { why: "2".to_owned() }));
        row.must_load(1).await;
    }

    async fn a_writer_that_panics_invalidates(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let panicking = row.clone();
        let panicked = tokio::spawn(async move { panicking.panic(1).await }).await;
        assert!(panicked.expect_err("it panics").is_panic());
        row.must_load(1).await;
    }

    async fn a_writer_dropped_at_any_await_point_of_its_body_or_after_it_invalidates(world: World) {
        for polls in 0..1000 {
            // The body stands once before its commit and once after it.
            let row = Row::over(&world.cache);
            row.warm(polls).await;
            let mut writer = Box::pin(row.write(polls));
            let ended = polled(&mut writer, polls).await.is_some();
            drop(writer);
            // Also where it was not committed: nobody knows.
            let begun = row.writing.loads() > 0;
            assert_eq!(row.read(polls).await, (row.version(), !begun), "dropped after {polls} polls");
            row.all_sent_is_executed().await;
            row.seen_from(world.other_process()).must_hit(polls, row.version()).await;
            if ended {
                assert!(polls > 2, "the body itself waits twice");
                return;
            }
        }
    }

    async fn a_load_that_a_write_overtakes_is_not_stored(world: World) {
        let row = Row::over(&world.cache);
        let standing = row.that_stands_still();
        let reader = standing.clone();
        let reader = tokio::spawn(async move { reader.find(1).await });
        standing.loading.entered(1).await;
        row.seen_from(world.other_process()).write(1).await.unwrap();
        standing.loading.open();
        assert_eq!(reader.await.unwrap(), Ok(1), "its caller came before the write");
        row.must_load(1).await;
    }

    async fn a_key_of_the_result_is_left_out_where_there_is_none(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.warm(2).await;
        assert!(row.write_both(1, None).await.unwrap().is_none());
        row.must_load(1).await;
        row.must_hit(2, 1).await;
        assert!(row.write_both(1, Some(2)).await.unwrap().is_some());
        row.must_load(1).await;
        row.must_load(2).await;
    }

    async fn a_writer_that_does_not_use_the_cache_invalidates_nothing(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        row.warm(2).await;
        assert_eq!(row.write_when(1).await, 2);
        row.must_hit(1, 1).await;
        assert_eq!(row.write_when(2).await, 3);
        row.must_load(2).await;
    }

    async fn a_writer_without_a_cache_of_its_own_uses_that_of_its_task(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        assert_eq!(write_somewhere(&row, 1).await, 2, "no cache is installed here");
        row.must_hit(1, 1).await;
        assert_eq!(world.cache.scope(write_somewhere(&row, 1)).await, 3);
        row.must_load(1).await;
    }
}

on_both_backends! {
    async fn all_keys_and_tags_of_a_call_go_in_one_round_trip(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        for id in 1..=3 {
            row.warm(id).await;
            row.find_tagged(id).await;
        }
        let acquired = world.helm.begun(Op::Acquire);
        assert_eq!(row.write_many(3).await, Ok(3));
        let deleted = world.helm.deleted();
        assert_eq!(deleted.len(), 1, "{deleted:?}");
        assert_eq!(deleted[0].len(), 6, "{deleted:?}");
        assert_eq!(world.helm.begun(Op::Delete), 1);
        assert_eq!((world.helm.begun(Op::WriteBegin), world.helm.begun(Op::Acquire)), (0, acquired));
        for id in 1..=3 {
            row.must_load(id).await;
            assert_eq!(row.find_tagged(id).await, 2, "its tag was invalidated");
        }
        assert_eq!(row.cache.stats().function("write_many").unwrap().invalidations, 6);
    }

    async fn a_writer_dropped_while_it_tells_the_store_tells_it_again(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.warm(1).await;
        world.helm.hold(&[Op::Delete]);
        let mut writer = Box::pin(row.write(1));
        while world.helm.begun(Op::Delete) == 0 {
            assert!((&mut writer).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        // What it was about to send is not sent.
        drop(writer);
        world.helm.heal(&[Op::Delete]);
        eventually("the old value stays", async || row.read(1).await == (2, false)).await;
        row.seen_from(world.other_process()).must_hit(1, 2).await;
        assert_eq!(world.helm.deleted().len(), 2);
    }
}

#[tokio::test]
async fn over_a_disabled_cache_a_writer_is_its_body() {
    let row = Row::over(&Cache::disabled());
    assert_eq!(row.write(1).await, Ok(2));
    assert_eq!(row.fail(1).await, Err(Refused { why: "no 1".to_owned() }));
    assert_eq!(row.write_many(1).await, Ok(1));
    assert_eq!(row.find(1).await, Ok(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_a_writer_is_one_command() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    row.warm(1).await;
    redis.command::<()>(&["CONFIG", "RESETSTAT"]);
    row.write_many(1).await.unwrap();
    let stats: String = redis.command(&["INFO", "commandstats"]);
    let ours = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_"));
    let ours: Vec<_> = ours.filter(|line| !line.starts_with("config") && !line.starts_with("info")).collect();
    // Inside of a script, which leaves what is queued for the database.
    assert!(ours.iter().any(|line| line.starts_with("evalsha:calls=1,")), "{ours:?}");
    // What the observer's own connections say is of no interest.
    assert!(
        ours.iter()
            .all(|line| ["evalsha", "getrange", "del", "hello", "client"].iter().any(|word| line.starts_with(word))),
        "{ours:?}"
    );
}
