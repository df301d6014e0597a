//! Values that are invalidated together.

use std::collections::BTreeMap;
use std::time::Duration;

use cached_runtime::{cached, invalidate, key, write_through};
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::patience::{SteeredWorld, patient};
use crate::row::Row;
use crate::steered::Op;
use crate::support::{Redis, eventually};
use crate::{on_both_backends, promises};

const LONG: Duration = Duration::from_secs(5);

impl Row {
    #[cached(
        key = "member:<id>", tag = "org:<org>", tag = "members", ttl = 60, skip(org),
        mutex(lease = "20s", wait = "20s"), cache = self.cache.clone()
    )]
    async fn member(&self, org: &str, id: usize) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "member:<id>", tag = "members", tag = "org:<org>", ttl = 60, skip(org), cache = self.cache.clone())]
    async fn member_in_other_words(&self, org: &str, id: usize) -> Option<u64> {
        Some(self.load().await)
    }

    #[cached(key = "member:<id>", ttl = 60, cache = self.cache.clone())]
    async fn member_without_tags(&self, id: usize) -> u64 {
        self.load().await
    }

    #[cached(key = "nobody:<id>", tag = "members", ttl = 60, none_ttl = 60, cache = self.cache.clone())]
    async fn nobody(&self, id: usize) -> Option<u64> {
        self.load().await;
        None
    }

    #[cached(key = "long:<id>", tag = "long", ttl = "3d", cache = self.cache.clone())]
    async fn for_days(&self, id: usize) -> u64 {
        self.load().await
    }

    #[cached(key = "endless:<id>", tag = "endless", ttl = never, cache = self.cache.clone())]
    async fn for_ever(&self, id: usize) -> u64 {
        self.load().await
    }

    #[write_through(key = "member:<id>", tag = "org:<org>", tag = "members", ttl = 60, cache = self.cache.clone())]
    async fn set_member(&self, org: &str, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[invalidate(tag = "org:<org>", cache = self.cache.clone())]
    async fn change_org(&self, org: &str) -> u64 {
        self.commit().await
    }

    #[invalidate(tag = "org:<result>", cache = self.cache.clone())]
    async fn change_some_org(&self, org: &str) -> Option<String> {
        self.commit().await;
        (!org.is_empty()).then(|| org.to_owned())
    }

    /// A read, and whether it was a hit.
    async fn member_and_hit(&self, org: &str, id: usize) -> (u64, bool) {
        let before = self.loads.get();
        let version = self.member(org, id).await.expect("no load fails");
        (version, self.loads.get() == before)
    }
}

promises! {
    async fn to_invalidate_a_tag_costs_each_value_with_it_one_load_and_no_other_value_any(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for round in 0..3 {
            for id in 0..10 {
                row.member("a", id).await.unwrap();
                row.member("b", 10 + id).await.unwrap();
                elsewhere.nobody(id).await;
            }
            let before = row.loads.get();
            let version = elsewhere.change_org("a").await;
            assert_eq!(version, round + 2);
            for id in 0..10 {
                assert_eq!(row.member("a", id).await, Ok(version));
                assert_eq!(elsewhere.member_and_hit("a", id).await, (version, true));
                assert_eq!(elsewhere.member_and_hit("b", 10 + id).await, (1, true));
                assert_eq!(row.nobody(id).await, None);
            }
            assert_eq!(row.loads.get(), before + 10);
        }
        let before = row.loads.get();
        world.cache.invalidate_tag(&key!("members")).await.unwrap();
        for id in 0..10 {
            row.nobody(id).await;
            row.member("a", id).await.unwrap();
            row.member("b", 10 + id).await.unwrap();
        }
        assert_eq!(row.loads.get(), before + 30, "both kinds of member have that tag, and so has each absence");
    }

    async fn a_tag_of_the_result_is_left_out_where_there_is_none(world: World) {
        let row = Row::over(&world.cache);
        row.member("a", 1).await.unwrap();
        row.member("", 2).await.unwrap();
        assert_eq!(row.change_some_org("").await, None);
        assert_eq!((row.member_and_hit("a", 1).await, row.member_and_hit("", 2).await), ((1, true), (1, true)));
        assert_eq!(row.change_some_org("a").await, Some("a".to_owned()));
        assert_eq!((row.member_and_hit("a", 1).await, row.member_and_hit("", 2).await), ((3, false), (1, true)));
    }

    async fn the_order_of_tags_makes_no_difference_and_the_set_of_them_does(world: World) {
        let row = Row::over(&world.cache);
        row.member("a", 1).await.unwrap();
        assert_eq!(row.member_in_other_words("a", 1).await, Some(1));
        assert_eq!(row.loads.get(), 1);
        // Who knows fewer tags, or others, cannot know what was invalidated.
        row.commit_blocking();
        assert_eq!(row.member_without_tags(1).await, 2);
        assert_eq!(row.member_and_hit("a", 1).await, (2, false));
        row.commit_blocking();
        assert_eq!(row.member_and_hit("b", 1).await, (3, false));
    }

    async fn nobody_waits_for_a_load_under_tags_that_began_before_its_key_was_invalidated(world: World) {
        for id in 0..3 {
            let row = Row::standing_still(&world.cache);
            row.writing.open();
            row.written.open();
            let read = || tokio::spawn({
                let row = row.clone();
                async move { row.member("a", id).await }
            });
            let before = read();
            row.loading.entered(1).await;
            match id {
                0 => world.cache.invalidate(&key!("member:<id>")).await.unwrap(),
                1 => world.cache.put(&key!("member:<id>"), &7_u64, LONG).await.unwrap(),
                _ => drop(row.set_member("a", id).await),
            }
            let after = read();
            let answered = async || after.is_finished() || row.loading.loads() == 2;
            eventually("an answer, or a load of its own", answered).await;
            row.loading.open();
            assert_eq!(before.await.unwrap(), Ok(1));
            assert_eq!(after.await.unwrap(), Ok(row.version()), "{id}");
        }
    }

    async fn a_load_that_a_tags_invalidation_overtakes_is_served_to_nobody_who_comes_later(world: World) {
        for (id, mutex) in [(1, true), (2, false)] {
            let row = Row::standing_still(&world.cache);
            let elsewhere = row.seen_from(world.other_process());
            let read = move |row: Row| async move {
                if mutex { row.member("a", id).await.ok() } else { row.member_in_other_words("a", id).await }
            };
            let leading = tokio::spawn(read(row.clone()));
            row.loading.entered(1).await;
            let before = [&row, &elsewhere].map(|row| tokio::spawn(read(row.clone())));
            if mutex && world.redis.is_some() {
                eventually("nobody waits", async || elsewhere.cache.stats().total().lock_waits > 0).await;
            }
            row.commit_blocking();
            elsewhere.cache.invalidate_tag(&key!("org:a")).await.unwrap();
            // Each finds the load that is of no use to it, or somebody who waits for that.
            let [mut joined, mut joined_elsewhere] = [&row, &elsewhere].map(|row| Box::pin(read(row.clone())));
            assert!((&mut joined).now_or_never().is_none());
            assert!((&mut joined_elsewhere).now_or_never().is_none());
            row.loading.open();
            assert_eq!(leading.await.unwrap(), Some(1), "its caller came before");
            for before in before {
                timeout(LONG, before).await.expect("it waits on").unwrap().expect("either will do for it");
            }
            let joined = timeout(LONG, joined).await.expect("it waits on");
            let joined_elsewhere = timeout(LONG, joined_elsewhere).await.expect("it waits on");
            assert_eq!((joined, joined_elsewhere), (Some(2), Some(2)), "they came after the invalidation");
            assert_eq!(elsewhere.member_and_hit("a", id).await, (2, true));
            assert_eq!(row.member_and_hit("a", id).await, (2, true));
        }
    }

    async fn what_such_a_load_has_stored_is_a_miss(world: World) {
        let row = Row::standing_still(&world.cache);
        let leading = tokio::spawn({
            let row = row.clone();
            async move { row.member("a", 1).await }
        });
        row.loading.entered(1).await;
        row.commit_blocking();
        world.other_process().invalidate_tag(&key!("org:a")).await.unwrap();
        row.loading.open();
        assert_eq!(leading.await.unwrap(), Ok(1));
        assert_eq!(row.cache.get::<u64>(&key!("member:1")).await, None);
        assert_eq!(row.member_and_hit("a", 1).await, (2, false));
        assert_eq!(row.member_and_hit("a", 1).await, (2, true));
    }

    async fn what_is_written_through_has_its_tags(world: World) {
        let row = Row::over(&world.cache);
        assert_eq!(row.set_member("a", 1).await, Ok(2));
        assert_eq!(row.member_and_hit("a", 1).await, (2, true));
        assert_eq!(row.member_and_hit("b", 1).await, (2, false), "of another organisation");
        assert_eq!(row.set_member("a", 1).await, Ok(3));
        assert_eq!(row.change_org("a").await, 4);
        assert_eq!(row.member_and_hit("a", 1).await, (4, false));
    }

    async fn a_write_through_that_a_tags_invalidation_overtakes_is_served_to_nobody(world: World) {
        let row = Row::standing_still(&world.cache);
        row.loading.open();
        let writing = tokio::spawn({
            let row = row.clone();
            async move { row.set_member("a", 1).await }
        });
        row.writing.open();
        row.written.entered(1).await;
        row.commit_blocking();
        world.other_process().invalidate_tag(&key!("org:a")).await.unwrap();
        row.written.open();
        assert_eq!(writing.await.unwrap(), Ok(2));
        assert_eq!(row.member_and_hit("a", 1).await, (3, false));
        assert_eq!(row.member_and_hit("a", 1).await, (3, true));
    }

    async fn a_get_by_key_alone_heeds_the_tags(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = world.other_process();
        row.member("a", 1).await.unwrap();
        for cache in [&world.cache, &elsewhere] {
            assert_eq!(cache.get::<u64>(&key!("member:1")).await, Some(1));
        }
        elsewhere.invalidate_tag(&key!("org:a")).await.unwrap();
        for cache in [&world.cache, &elsewhere] {
            assert_eq!(cache.get::<u64>(&key!("member:1")).await, None);
        }
    }

    async fn what_is_put_has_no_tags_and_is_no_hit_for_who_names_some(world: World) {
        let row = Row::over(&world.cache);
        row.cache.put(&key!("member:1"), &7_u64, LONG).await.unwrap();
        assert_eq!(row.member_without_tags(1).await, 7);
        assert_eq!(row.member_and_hit("a", 1).await, (1, false));
    }
}

on_both_backends! {
    async fn a_hit_with_tags_is_one_round_trip(world: World) {
        let world = SteeredWorld::from(world);
        let row = Row::over(&world.cache);
        row.member("a", 1).await.unwrap();
        let asked = |world: &SteeredWorld| [Op::Acquire, Op::Stamps, Op::Fill, Op::Other].map(|op| world.helm.begun(op));
        assert_eq!(asked(&world), [1, 0, 1, 0]);
        assert_eq!(row.member_and_hit("a", 1).await, (1, true));
        assert_eq!(asked(&world), [2, 0, 1, 0]);
        row.change_org("a").await;
        assert_eq!(world.helm.deleted().len(), 1);
        assert_eq!(world.helm.deleted()[0].len(), 1, "{:?}", world.helm.deleted());
    }
}

/// How often each command was sent since the last look.
fn commands(redis: &Redis) -> BTreeMap<String, u64> {
    let stats: String = redis.command(&["INFO", "commandstats"]);
    redis.command::<()>(&["CONFIG", "RESETSTAT"]);
    let line = |line: &str| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), figures.split(',').next()?.parse().ok()?))
    };
    stats.lines().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_nothing_ever_scans_and_a_tag_is_one_deletion_however_much_has_it() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    for id in 0..100 {
        row.member("a", id).await.unwrap();
    }
    commands(&redis);
    row.cache.invalidate_tag(&key!("org:a")).await.unwrap();
    let one = commands(&redis);
    assert_eq!(one.get("del"), Some(&1), "{one:?}");
    row.cache.clear().await.unwrap();
    for id in 0..100 {
        row.member("a", id).await.unwrap();
    }
    let all = commands(&redis);
    assert_eq!(all.get("del"), Some(&1), "{all:?}");
    for scan in ["keys", "scan", "sscan", "smembers", "unlink", "flushdb", "flushall"] {
        assert!(!one.contains_key(scan) && !all.contains_key(scan), "{scan}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_tag_that_is_gone_costs_misses_and_nothing_else() {
    let redis = Redis::start();
    let (row, elsewhere) = (Row::over(&patient(&redis)), patient(&redis));
    let elsewhere = row.seen_from(elsewhere);
    for id in 0..3 {
        row.member("a", id).await.unwrap();
    }
    // As an eviction, or somebody who writes in another language.
    assert_eq!(redis.command::<u64>(&["DEL", "test:%tag:org:a"]), 1);
    for id in 0..3 {
        assert_eq!(row.member_and_hit("a", id).await, (1, false));
        assert_eq!(elsewhere.member_and_hit("a", id).await, (1, true));
    }
    assert_eq!(row.cache.stats().total().unreadable, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_tag_outlives_what_carries_it() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    let ttl = |key: &str| redis.command::<i64>(&["PTTL", key]);
    row.for_days(1).await;
    assert!(ttl("test:%tag:long") > ttl("test:long:1"), "{} {}", ttl("test:%tag:long"), ttl("test:long:1"));
    row.for_ever(1).await;
    assert_eq!((ttl("test:%tag:endless"), ttl("test:endless:1"), ttl("test:%epoch")), (-1, -1, -1));
    // Made anew it does so again.
    row.cache.invalidate_tag(&key!("endless")).await.unwrap();
    row.for_ever(1).await;
    assert_eq!(ttl("test:%tag:endless"), -1);
}
