//! `get`, `put`, `invalidate` and `get_or_load`, and where entries lie.

use std::time::Duration;

use cached_runtime::{Cache, Error, Policy, cached, key};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::gate::Gate;
use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis};

const MINUTE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
}

#[derive(Clone)]
struct Users {
    cache: Cache,
    loads: Count,
    gate: Gate,
}

impl Users {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default(), gate: Gate::closed() }
    }

    #[cached(key = "user:<id>", ttl = 3600, mutex, cache = self.cache.clone())]
    async fn find(&self, id: i64) -> Result<User, String> {
        self.loads.add();
        self.gate.pass().await;
        Ok(User { id, name: "loaded".to_owned() })
    }
}

fn user(id: i64, name: &str) -> User {
    User { id, name: name.to_owned() }
}

/// Refuses to be serialized, as a poisoned lock or a path that is not UTF-8 does.
#[derive(Debug, Deserialize)]
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

promises! {
    async fn what_was_put_is_got_and_what_was_invalidated_is_not(world: World) {
        let cache = &world.cache;
        assert_eq!(cache.get::<User>(&key!("user:1")).await, None);
        cache.put(&key!("user:1"), &user(1, "ann"), MINUTE).await.unwrap();
        assert_eq!(cache.get::<User>(&key!("user:1")).await, Some(user(1, "ann")));
        assert_eq!(cache.get::<User>(&key!("user:2")).await, None);
        assert_eq!(cache.get::<String>(&key!("user:1")).await, None, "of another type");
        cache.put(&key!("user:1"), &user(1, "bob"), MINUTE).await.unwrap();
        assert_eq!(world.other_process().get::<User>(&key!("user:1")).await, Some(user(1, "bob")));
        world.other_process().invalidate(&key!("user:1")).await.unwrap();
        assert_eq!(cache.get::<User>(&key!("user:1")).await, None);
        cache.invalidate(&key!("user:1")).await.expect("what is not there can be invalidated");
    }

    async fn what_was_loaded_is_got_and_what_was_put_is_not_loaded(world: World) {
        let users = Users::over(&world.cache);
        users.gate.open();
        users.find(1).await.unwrap();
        assert_eq!(world.cache.get::<User>(&key!("user:1")).await, Some(user(1, "loaded")));
        world.cache.put(&key!("user:2"), &user(2, "put"), MINUTE).await.unwrap();
        assert_eq!(users.find(2).await, Ok(user(2, "put")));
        assert_eq!(users.loads.get(), 1);
    }

    async fn a_load_in_progress_is_nothing_to_get_and_never_overwrites_what_is_put(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.find(1).await });
        users.gate.entered(1).await;
        assert_eq!(world.cache.get::<User>(&key!("user:1")).await, None);
        world.cache.put(&key!("user:1"), &user(1, "put"), MINUTE).await.unwrap();
        let during = timeout(LONG, users.find(1)).await.expect("what was put is a hit");
        assert_eq!(during, Ok(user(1, "put")));
        users.gate.open();
        assert_eq!(leader.await.unwrap(), Ok(user(1, "loaded")), "its own caller gets what it loaded");
        assert_eq!(users.find(1).await, Ok(user(1, "put")), "the late fill overwrote what was put");
        assert_eq!(users.loads.get(), 1);
        assert_eq!(world.cache.stats().total().late_fills, 1);
    }

    async fn whoever_joins_a_load_after_another_process_put_a_value_gets_what_was_put(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.find(1).await });
        users.gate.entered(1).await;
        world.other_process().put(&key!("user:1"), &user(1, "put"), MINUTE).await.unwrap();
        let mut joined = Box::pin(users.find(1));
        let at_once = (&mut joined).now_or_never();
        users.gate.open();
        assert_eq!(leader.await.unwrap(), Ok(user(1, "loaded")));
        let joined = match at_once {
            Some(joined) => joined,
            None => timeout(LONG, joined).await.expect("the load has ended"),
        };
        assert_eq!(joined, Ok(user(1, "put")), "an older value than what was put");
        assert_eq!(users.loads.get(), 1);
    }

    async fn a_value_that_cannot_be_stored_is_an_error_to_put_and_none_to_load(world: World) {
        assert!(matches!(world.cache.put(&key!("k"), &f64::NAN, MINUTE).await, Err(Error::Unstorable)));
        for _ in 0..2 {
            let loaded = world.cache.get_or_load(key!("k"), MINUTE, || async { Ok::<_, ()>(f64::NAN) }).await;
            assert!(loaded.unwrap().is_nan());
        }
        assert_eq!(world.cache.stats().total().unstorable, 2);
        assert_eq!(world.cache.stats().total().stores, 0);
    }

    async fn a_key_that_cannot_be_rendered_is_an_error_to_writers_and_a_bypass_to_readers(world: World) {
        let refuses = Refuses;
        let key = key!("k:<refuses|hash>");
        assert!(matches!(world.cache.put(&key, &1, MINUTE).await, Err(Error::Unhashable)));
        assert!(matches!(world.cache.invalidate(&key).await, Err(Error::Unhashable)));
        assert_eq!(world.cache.get::<i32>(&key).await, None);
        for load in 1..=3 {
            assert_eq!(world.cache.get_or_load(&key, MINUTE, || async { Ok::<_, ()>(load) }).await, Ok(load));
        }
    }

    async fn a_failed_load_is_its_callers_error_and_nobody_elses(world: World) {
        let policy = Policy::ttl(MINUTE).mutex();
        let failed = world.cache.get_or_load(key!("k"), policy, || async { Err::<u8, _>("no") }).await;
        assert_eq!(failed, Err("no"));
        let loaded = world.cache.get_or_load(key!("k"), policy, || async { Ok::<_, &str>(1) }).await;
        assert_eq!(loaded, Ok(1));
        assert_eq!(world.cache.get::<i32>(&key!("k")).await, Some(1));
    }
}

#[tokio::test]
async fn a_disabled_cache_runs_every_body_and_says_so_to_writers() {
    let users = Users::over(&Cache::disabled());
    users.gate.open();
    for load in 1..=3 {
        users.find(1).await.unwrap();
        assert_eq!(users.loads.get(), load);
    }
    assert!(matches!(users.cache.put(&key!("k"), &1, MINUTE).await, Err(Error::Disabled)));
    users.cache.invalidate(&key!("k")).await.expect("nothing is stored, so nothing is stale");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_an_entry_lies_under_prefix_and_key() {
    let redis = Redis::start();
    let (id, name) = (7, "a:b");
    patient(&redis).put(&key!("user:<id>:<name>"), &1, MINUTE).await.unwrap();
    let bare = redis.builder().timeout(LONG).prefix("").build().unwrap();
    bare.put(&key!("user:<id>"), &1, MINUTE).await.unwrap();
    let mut keys: Vec<String> = redis.command(&["KEYS", "*user:7*"]);
    keys.sort();
    assert_eq!(keys, ["test:user:7:a%3Ab", "user:7"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_with_different_prefixes_share_nothing_and_with_the_same_prefix_everything() {
    let redis = Redis::start();
    let cache = |prefix: &str| redis.builder().timeout(LONG).prefix(prefix).build().unwrap();
    cache("shop").put(&key!("k"), &1, MINUTE).await.unwrap();
    cache("blog").put(&key!("k"), &2, MINUTE).await.unwrap();
    assert_eq!(cache("shop").get::<i32>(&key!("k")).await, Some(1));
    assert_eq!(cache("blog").get::<i32>(&key!("k")).await, Some(2));
    cache("blog").invalidate(&key!("k")).await.unwrap();
    assert_eq!(cache("shop").get::<i32>(&key!("k")).await, Some(1));
    assert_eq!(cache("blog").get::<i32>(&key!("k")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_del_from_anywhere_is_an_invalidation() {
    let redis = Redis::start();
    let users = Users::over(&patient(&redis));
    let leader = users.clone();
    let leader = tokio::spawn(async move { leader.find(1).await });
    users.gate.entered(1).await;
    assert_eq!(redis.command::<u64>(&["DEL", "test:user:1"]), 1, "the running load holds a lease");
    users.gate.open();
    leader.await.unwrap().unwrap();
    assert_eq!(redis.command::<u64>(&["EXISTS", "test:user:1"]), 0, "a revoked load was stored");
    users.find(1).await.unwrap();
    assert_eq!(redis.command::<u64>(&["DEL", "test:user:1"]), 1);
    users.find(1).await.unwrap();
    assert_eq!(users.loads.get(), 3);
}
