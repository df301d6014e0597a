//! Values that are kept in the process too: what a local hit is, and what ends it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached, invalidate, key, write_through};

use crate::patience::{PatientWorld, patient};
use crate::promises;
use crate::row::Row;
use crate::support::{Redis, World, eventually};

/// So long may another process go on with what it has, whatever happens; and a moment for a machine under load.
const BOUND: Duration = Duration::from_millis(1_300);

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    version: u64,
}

impl Row {
    #[cached(key = "local:<id>", ttl = 60, mutex, local, cache = &self.cache)]
    async fn local(&self, id: usize) -> Result<User, String> {
        Ok(User { version: self.load().await })
    }

    #[cached(key = "local:<id>", ttl = 60, local, cache = self.cache.clone())]
    async fn local_behind_a_pointer(&self, id: usize) -> Result<Option<Arc<User>>, String> {
        Ok(Some(Arc::new(User { version: self.load().await })))
    }

    #[cached(key = "tagged:<id>", tag = "org:<org>", tag = "all", ttl = 60, local, skip(org), cache = &self.cache)]
    async fn local_with_tags(&self, org: &str, id: usize) -> Option<User> {
        Some(User { version: self.load().await })
    }

    #[cached(key = "nobody:<id>", ttl = 60, none_ttl = 60, local, cache = &self.cache)]
    async fn local_nobody(&self, id: usize) -> Option<User> {
        self.load().await;
        None
    }

    #[cached(key = "short:<id>", ttl = 60, local = "1s", cache = &self.cache)]
    async fn local_for_a_second(&self, id: usize) -> u64 {
        self.load().await
    }

    #[cached(key = "brief:<id>", ttl = 1, jitter = 0.0, local = "1h", cache = &self.cache)]
    async fn local_for_a_ttl(&self, id: usize) -> u64 {
        self.load().await
    }

    #[cached(key = "local:<id>", ttl = 60, version = 2, local, cache = &self.cache)]
    async fn local_of_another_version(&self, id: usize) -> Result<User, String> {
        Ok(User { version: self.load().await })
    }

    #[cached(key = "local:<id>", ttl = 60, local, cache = &self.cache)]
    async fn local_of_another_type(&self, id: usize) -> Result<String, String> {
        Ok(self.load().await.to_string())
    }

    #[cached(key = "local:<id>", ttl = 60, local, when = !past, skip(past), cache = &self.cache)]
    async fn local_unless_past(&self, id: usize, past: bool) -> User {
        User { version: self.load().await }
    }

    #[invalidate(key = "local:<id>", key = "nobody:<id>", cache = &self.cache)]
    async fn change_local(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[invalidate(tag = "org:<org>", cache = &self.cache)]
    async fn change_org_of_local(&self, org: &str) -> u64 {
        self.commit().await
    }

    #[write_through(key = "local:<id>", ttl = 60, cache = &self.cache)]
    async fn set_local(&self, id: usize) -> User {
        User { version: self.commit().await }
    }
}

fn local_hits(cache: &Cache) -> u64 {
    cache.stats().total().hits_local
}

/// One call, and whether it was answered in this process.
async fn kept<T>(cache: &Cache, read: impl AsyncFn() -> T) -> (T, bool) {
    let before = local_hits(cache);
    let value = read().await;
    (value, local_hits(cache) > before)
}

/// Calls until one is answered in this process.
async fn until_kept<T>(cache: &Cache, read: impl AsyncFn() -> T) -> T {
    let mut last = None;
    eventually("a local hit", async || {
        let (value, kept) = kept(cache, &read).await;
        last = Some(value);
        kept
    })
    .await;
    last.expect("there was a hit")
}

/// The same, where the value is of no interest.
async fn keep<T>(cache: &Cache, read: impl AsyncFn() -> T) {
    until_kept(cache, read).await;
}

/// Calls until something else comes back, for no longer than the bound.
async fn until_changed<T: PartialEq + Debug>(read: impl AsyncFn() -> T, old: &T) -> T {
    let began = Instant::now();
    loop {
        let value = read().await;
        if value != *old {
            return value;
        }
        assert!(began.elapsed() < BOUND, "{value:?} is served for too long");
        tokio::task::yield_now().await;
    }
}

impl PatientWorld {
    /// How often each command that has to do with entries was executed.
    fn commands(&self) -> Vec<String> {
        let Some(redis) = &self.redis else { return Vec::new() };
        let stats: String = redis.command(&["INFO", "commandstats"]);
        let ours = |line: &&str| {
            ["set", "get", "getrange", "evalsha", "pttl", "mget"]
                .iter()
                .any(|name| line.starts_with(&format!("cmdstat_{name}:")))
        };
        let calls = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
        stats.lines().filter(ours).map(calls).collect()
    }
}

promises! {
    async fn a_local_hit_asks_nobody_and_gives_the_same_value(world: World) {
        let row = Row::over(&world.cache);
        let loaded = row.local(1).await;
        assert_eq!(until_kept(&world.cache, async || row.local(1).await).await, loaded);
        let (hits, before) = (world.cache.stats().total().hits, world.commands());
        for _ in 0..100 {
            assert_eq!(kept(&world.cache, async || row.local(1).await).await, (loaded.clone(), true));
        }
        assert_eq!(world.commands(), before);
        assert_eq!(world.cache.stats().total().hits, hits + 100, "a local hit is a hit");
        assert_eq!(row.loads.get(), 1);
    }

    async fn what_this_process_changes_it_sees_at_once(world: World) {
        let row = Row::over(&world.cache);
        for _ in 0..20 {
            keep(&world.cache, async || row.local(1).await).await;
            let version = row.change_local(1).await;
            assert_eq!(row.local(1).await, Ok(User { version }));
            keep(&world.cache, async || row.local(1).await).await;
            let written = row.set_local(1).await;
            assert_eq!(row.local(1).await, Ok(written));
            keep(&world.cache, async || row.local(1).await).await;
            let put = User { version: 1_000_000 };
            world.cache.put(&key!("local:1"), &put, Duration::from_secs(60)).await.unwrap();
            assert_eq!(row.local(1).await, Ok(put));
            row.change_local(1).await;
        }
    }

    async fn what_another_process_changes_is_seen_within_the_bound(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        for _ in 0..20 {
            let old = until_kept(&world.cache, async || row.local(1).await).await;
            let version = elsewhere.change_local(1).await;
            assert_eq!(until_changed(async || row.local(1).await, &old).await, Ok(User { version }));
            let old = until_kept(&world.cache, async || row.local(1).await).await;
            let written = elsewhere.set_local(1).await;
            // While it is being written, whoever asks loads.
            assert_eq!(until_changed(async || row.local(1).await, &old).await, Ok(written));
        }
    }

    async fn a_tag_and_a_clear_end_local_hits_too(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        let (mine, other) = (async || row.local_with_tags("a", 1).await, async || row.local_with_tags("b", 2).await);
        let (old, untouched) = (until_kept(&world.cache, mine).await, until_kept(&world.cache, other).await);
        let version = row.change_org_of_local("a").await;
        assert_eq!(mine().await, Some(User { version }), "by this process, at once");
        assert_eq!(kept(&world.cache, other).await, (untouched, true), "of another tag");
        keep(&world.cache, mine).await;
        let version = elsewhere.change_org_of_local("a").await;
        assert_eq!(until_changed(mine, &Some(User { version: version - 1 })).await, Some(User { version }));
        keep(&world.cache, mine).await;
        let version = row.commit().await;
        elsewhere.cache.clear().await.unwrap();
        assert_eq!(mine().await, Some(User { version }), "a clear is complete when nobody serves what was there");
        assert_ne!(mine().await, old);
        assert_eq!(other().await, Some(User { version }));
    }

    async fn to_other_tags_a_local_value_is_a_miss(world: World) {
        let row = Row::over(&world.cache);
        keep(&world.cache, async || row.local_with_tags("a", 1).await).await;
        let loads = row.loads.get();
        let (_, kept) = kept(&world.cache, async || row.local_with_tags("b", 1).await).await;
        assert!(!kept && row.loads.get() == loads + 1);
    }

    async fn an_absence_is_kept_as_a_value_is(world: World) {
        let row = Row::over(&world.cache);
        assert_eq!(until_kept(&world.cache, async || row.local_nobody(1).await).await, None);
        assert_eq!(row.loads.get(), 1);
        row.change_local(1).await;
        let (_, kept) = kept(&world.cache, async || row.local_nobody(1).await).await;
        assert!(!kept && row.loads.get() == 2);
    }

    async fn a_value_is_kept_no_longer_than_it_says(world: World) {
        let row = Row::over(&world.cache);
        let began = Instant::now();
        keep(&world.cache, async || row.local_for_a_second(1).await).await;
        eventually("a hit that is not local", async || !kept(&world.cache, async || row.local_for_a_second(1).await).await.1)
            .await;
        assert!(began.elapsed() > Duration::from_millis(900) && began.elapsed() < BOUND + Duration::from_secs(1));
        assert_eq!(row.loads.get(), 1, "it is still stored");
        let began = Instant::now();
        let old = until_kept(&world.cache, async || row.local_for_a_ttl(1).await).await;
        let version = row.commit().await;
        assert_eq!(until_changed(async || row.local_for_a_ttl(1).await, &old).await, version);
        assert!(began.elapsed() > Duration::from_millis(900));
    }

    async fn a_pointer_is_given_out_as_it_is_and_shared_with_those_who_want_the_value(world: World) {
        let row = Row::over(&world.cache);
        let one = until_kept(&world.cache, async || row.local_behind_a_pointer(1).await).await.unwrap().unwrap();
        let two = row.local_behind_a_pointer(1).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(kept(&world.cache, async || row.local(1).await).await, (Ok(User::clone(&one)), true));
    }

    async fn neither_another_type_nor_another_version_is_ever_given_out(world: World) {
        let row = Row::over(&world.cache);
        for _ in 0..5 {
            keep(&world.cache, async || row.local(1).await).await;
            let (text, kept_text) = kept(&world.cache, async || row.local_of_another_type(1).await).await;
            assert_eq!((text, kept_text), (Ok("1".to_owned()), false));
            keep(&world.cache, async || row.local_of_another_type(1).await).await;
            assert_eq!(kept(&world.cache, async || row.local(1).await).await, (Ok(User { version: 1 }), false));
        }
        keep(&world.cache, async || row.local_of_another_version(1).await).await;
        assert!(!kept(&world.cache, async || row.local(1).await).await.1);
    }

    async fn a_condition_and_a_transaction_go_past_local_values(world: World) {
        let row = Row::over(&world.cache);
        keep(&world.cache, async || row.local_unless_past(1, false).await).await;
        let version = row.commit().await;
        assert_eq!(row.local_unless_past(1, true).await, User { version });
        assert_eq!(row.local_unless_past(1, false).await, User { version: version - 1 });
        let scope = world.cache.transaction();
        assert_eq!(row.local_unless_past(1, false).await, User { version });
        world.cache.invalidate(key!("local:1")).await.unwrap();
        drop(scope);
        assert_eq!(row.local_unless_past(1, false).await, User { version: version - 1 }, "nothing was committed");
    }

    async fn what_is_kept_is_bounded(world: World) {
        let cache = match &world.redis {
            Some(redis) => redis.builder(),
            None => Cache::builder(),
        };
        let row = Row::over(&cache.timeout(Duration::from_secs(5)).local_limit(100_000).build().unwrap());
        keep(&row.cache, async || row.local(0).await).await;
        for _ in 0..2 {
            for id in 0..2_000 {
                row.local(id).await.unwrap();
            }
        }
        let before = local_hits(&row.cache);
        for id in 0..2_000 {
            row.local(id).await.unwrap();
        }
        let kept = local_hits(&row.cache) - before;
        assert!((20..400).contains(&kept), "{kept} of 2,000 fit into 100,000 bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_deletes_a_key_by_hand_ends_local_hits() {
    let world = PatientWorld::from(World::redis());
    let redis = world.redis.as_ref().unwrap();
    let row = Row::over(&world.cache);
    for command in [
        &["DEL", "test:local:1"][..],
        &["SET", "test:local:1", "junk"],
        &["FLUSHALL"],
        &["EXPIRE", "test:local:1", "0"],
    ] {
        let old = until_kept(&world.cache, async || row.local(1).await).await;
        let version = row.commit().await;
        redis.command::<redis::Value>(command);
        let new = until_changed(async || row.local(1).await, &old).await;
        assert_eq!(new, Ok(User { version }), "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_store_with_the_same_tag_ends_no_local_hits() {
    let world = PatientWorld::from(World::redis());
    let row = Row::over(&world.cache);
    row.local_with_tags("a", 0).await;
    keep(&world.cache, async || row.local_with_tags("a", 1).await).await;
    for id in 2..10 {
        row.local_with_tags("a", id).await;
        // What it changed would have been told before this one's read was answered.
        keep(&world.cache, async || row.local_with_tags("a", id).await).await;
        assert!(kept(&world.cache, async || row.local_with_tags("a", 1).await).await.1, "{id}");
    }
}

/// The ids of the connections on which a server tells of changes.
fn tracking(redis: &Redis) -> Vec<String> {
    let clients: String = redis.command(&["CLIENT", "LIST"]);
    let of = |line: &str| {
        let field = |name: &str| line.split(' ').find_map(|field| field.strip_prefix(name)).map(str::to_owned);
        field("id=").filter(|_| field("flags=").is_some_and(|flags| flags.contains('t')))
    };
    clients.lines().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_connection_that_tells_of_changes_nothing_is_served_locally() {
    let world = PatientWorld::from(World::redis());
    let redis = world.redis.as_ref().unwrap();
    let row = Row::over(&world.cache);
    for _ in 0..5 {
        keep(&world.cache, async || row.local(1).await).await;
        let [id] = &tracking(redis)[..] else { panic!("one such connection, not {:?}", tracking(redis)) };
        redis.command::<u64>(&["CLIENT", "KILL", "ID", id]);
        eventually("a call that asks", async || !kept(&world.cache, async || row.local(1).await).await.1).await;
        // Nobody is told of this one.
        let version = row.commit().await;
        redis.command::<u64>(&["DEL", "test:local:1"]);
        assert_eq!(row.local(1).await, Ok(User { version }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_ends_local_hits_within_the_bound() {
    let world = World::redis();
    let redis = world.redis.as_ref().unwrap();
    let row = Row::over(&world.cache);
    keep(&world.cache, async || row.local(1).await).await;
    redis.pause();
    let began = Instant::now();
    let version = row.commit().await;
    assert_eq!(until_changed(async || row.local(1).await, &Ok(User { version: 1 })).await, Ok(User { version }));
    assert!(began.elapsed() > Duration::from_millis(500), "not at once, either");
    redis.resume();
    row.change_local(1).await;
    assert_eq!(until_kept(&world.cache, async || row.local(1).await).await, Ok(User { version: version + 1 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_tell_of_changes_means_no_local_hits_and_no_others_less() {
    let world = PatientWorld::from(World::redis());
    let redis = world.redis.as_ref().unwrap();
    redis.command::<()>(&["ACL", "SETUSER", "default", "-client|tracking"]);
    let row = Row::over(&world.cache);
    for _ in 0..200 {
        row.local(1).await.unwrap();
    }
    assert_eq!((local_hits(&world.cache), row.loads.get()), (0, 1));
    redis.command::<()>(&["ACL", "SETUSER", "default", "+client|tracking"]);
    keep(&world.cache, async || row.local(1).await).await;
}

#[test]
fn a_connection_ends_with_its_runtime_and_local_hits_with_it() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let first = runtime();
    let old = first.block_on(until_kept(&row.cache, async || row.local(1).await));
    let second = runtime();
    second.block_on(async {
        assert_eq!(kept(&row.cache, async || row.local(1).await).await, (old, true), "one tier for all runtimes");
        first.shutdown_background();
        eventually("a call that asks", async || !kept(&row.cache, async || row.local(1).await).await.1).await;
        let version = row.commit().await;
        redis.command::<u64>(&["DEL", "test:local:1"]);
        assert_eq!(row.local(1).await, Ok(User { version }));
        keep(&row.cache, async || row.local(1).await).await;
    });
}
