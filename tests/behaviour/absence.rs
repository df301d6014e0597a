//! What is known not to exist.

use std::time::Duration;

use cached_runtime::{Cache, cached, key};

use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis};

type Perhaps<T> = Option<T>;

/// A table with at most one row.
struct Rows {
    cache: Cache,
    row: std::sync::Mutex<Option<String>>,
    loads: Count,
}

impl Rows {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), row: std::sync::Mutex::default(), loads: Count::default() }
    }

    fn load(&self) -> Option<String> {
        self.loads.add();
        self.row.lock().unwrap().clone()
    }

    fn insert(&self, row: &str) {
        *self.row.lock().unwrap() = Some(row.to_owned());
    }

    #[cached(key = "row:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, id: u32) -> Result<Option<String>, String> {
        Ok(self.load())
    }

    #[cached(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: u32) -> Option<String> {
        self.load()
    }

    #[cached(key = "row:<id>", ttl = 60, none_ttl = "30s", mutex, cache = self.cache.clone())]
    async fn find_or_remember(&self, id: u32) -> Result<Perhaps<String>, String> {
        Ok(self.load())
    }

    #[cached(key = "row:<id>", ttl = 60, none_ttl = 30, cache = self.cache.clone())]
    async fn find_or_remember_plainly(&self, id: u32) -> Perhaps<String> {
        self.load()
    }

    #[cached(key = "failing:<id>", ttl = 60, none_ttl = 30, mutex, cache = self.cache.clone())]
    async fn fail(&self, id: u32) -> Result<Option<String>, u64> {
        Err(self.loads.add())
    }
}

promises! {
    async fn a_none_is_not_cached_unless_asked_for(world: World) {
        let rows = Rows::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(rows.find(1).await, Ok(None));
            assert_eq!(rows.find_without_mutex(2).await, None);
        }
        assert_eq!(rows.loads.get(), 6);
        rows.insert("new");
        assert_eq!(rows.find(1).await, Ok(Some("new".to_owned())), "no invalidation is needed");
        assert_eq!(rows.find_without_mutex(2).await, Some("new".to_owned()));
        assert_eq!(rows.find(1).await, Ok(Some("new".to_owned())));
        assert_eq!(rows.loads.get(), 8);
    }

    async fn a_none_is_cached_where_it_has_a_ttl(world: World) {
        let rows = Rows::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(rows.find_or_remember(1).await, Ok(None));
            assert_eq!(rows.find_or_remember_plainly(1).await, None);
        }
        assert_eq!(rows.loads.get(), 1);
        rows.insert("new");
        assert_eq!(rows.find_or_remember(1).await, Ok(None));
        world.cache.invalidate(&key!("row:1")).await.unwrap();
        assert_eq!(rows.find_or_remember(1).await, Ok(Some("new".to_owned())));
        assert_eq!(rows.find_or_remember_plainly(1).await, Some("new".to_owned()));
        assert_eq!(rows.loads.get(), 2);
    }

    async fn a_stored_none_is_served_to_functions_that_store_none_themselves(world: World) {
        let rows = Rows::over(&world.cache);
        assert_eq!(rows.find_or_remember(1).await, Ok(None));
        assert_eq!(rows.find(1).await, Ok(None));
        assert_eq!(rows.find_without_mutex(1).await, None);
        assert_eq!(rows.loads.get(), 1);
    }

    async fn an_error_is_never_cached(world: World) {
        let rows = Rows::over(&world.cache);
        for load in 1..=3 {
            assert_eq!(rows.fail(1).await, Err(load));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_none_lives_as_long_as_its_own_ttl() {
    let redis = Redis::start();
    let rows = Rows::over(&patient(&redis));
    rows.find_or_remember(1).await.unwrap();
    let ttl: u64 = redis.command(&["PTTL", "test:row:1"]);
    assert!((20_000..=30_000).contains(&ttl), "{ttl}");
    rows.insert("new");
    rows.find_or_remember(2).await.unwrap();
    let ttl: u64 = redis.command(&["PTTL", "test:row:2"]);
    assert!((50_000..=60_000).contains(&ttl), "{ttl}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_none_that_is_not_cached_leaves_nothing_for_long() {
    let redis = Redis::start();
    let rows = Rows::over(&patient(&redis));
    rows.find_without_mutex(1).await;
    assert_eq!(redis.command::<u64>(&["EXISTS", "test:row:1"]), 0);
    // With `mutex` a marker tells the waiters in other processes how the load ended.
    rows.find(2).await.unwrap();
    let ttl: i64 = redis.command(&["PTTL", "test:row:2"]);
    assert!(ttl != -1 && ttl <= 1000, "{ttl}");
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_none_lives_as_long_as_its_own_ttl() {
    let rows = Rows::over(&Cache::in_memory());
    rows.find_or_remember(1).await.unwrap();
    rows.insert("new");
    tokio::time::sleep(Duration::from_secs(28)).await;
    assert_eq!(rows.find_or_remember(1).await, Ok(None));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(rows.find_or_remember(1).await, Ok(Some("new".to_owned())));
}
