//! How long what was loaded lives.

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, cached, key};

use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis, eventually};

struct Prices {
    cache: Cache,
    loads: Count,
}

impl Prices {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default() }
    }

    #[cached(key = "seconds:<id>", ttl = 100, cache = self.cache.clone())]
    async fn in_seconds(&self, id: u32) -> u64 {
        self.loads.add()
    }

    #[cached(key = "text:<id>", ttl = "1h30m", jitter = 0, cache = self.cache.clone())]
    async fn in_text(&self, id: u32) -> u64 {
        self.loads.add()
    }

    #[cached(key = "half:<id>", ttl = "100s", jitter = 0.5, cache = self.cache.clone())]
    async fn with_much_jitter(&self, id: u32) -> u64 {
        self.loads.add()
    }

    #[cached(key = "never:<id>", ttl = never, cache = self.cache.clone())]
    async fn without_end(&self, id: u32) -> u64 {
        self.loads.add()
    }

    #[cached(key = "value:<seconds>", ttl = |value| value.1, jitter = 0, cache = self.cache.clone())]
    async fn by_seconds(&self, seconds: u64) -> Result<(u64, u64), String> {
        Ok((self.loads.add(), seconds))
    }

    #[cached(
        key = "duration:<ms>", ttl = |value| Duration::from_millis(value.as_ref().map_or(0, |v| v.1)), jitter = 0,
        cache = self.cache.clone()
    )]
    async fn by_duration(&self, ms: u64) -> Option<(u64, u64)> {
        Some((self.loads.add(), ms))
    }

    #[cached(key = "short:<id>", ttl = "80ms", cache = self.cache.clone())]
    async fn for_a_moment(&self, id: u32) -> u64 {
        self.loads.add()
    }
}

/// The ttl as it was stored, at least and at most: Redis counts down between the load and the look.
fn stored_ttl(redis: &Redis, key: &str, before_load: Instant) -> (Duration, Duration) {
    let left: i64 = redis.command(&["PTTL", key]);
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_else(|_| panic!("`{key}` has no ttl: {left}")));
    // PTTL counts whole milliseconds.
    (left, left + before_load.elapsed() + Duration::from_millis(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_ttl_is_never_longer_and_at_most_five_percent_shorter() {
    let redis = Redis::start();
    let prices = Prices::over(&patient(&redis));
    let mut seen = Vec::new();
    for id in 0..40 {
        let before = Instant::now();
        prices.in_seconds(id).await;
        let (least, most) = stored_ttl(&redis, &format!("test:seconds:{id}"), before);
        assert!(least <= Duration::from_secs(100), "{least:?}");
        assert!(most >= Duration::from_secs(95), "{most:?}");
        seen.push(least);
    }
    seen.sort_unstable();
    assert!(seen[39] - seen[0] > Duration::from_secs(1), "not at random: {:?} to {:?}", seen[0], seen[39]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jitter_is_as_large_as_it_says() {
    let redis = Redis::start();
    let prices = Prices::over(&patient(&redis));
    let mut shortest = Duration::MAX;
    for id in 0..40 {
        let before = Instant::now();
        prices.in_text(id).await;
        let (least, most) = stored_ttl(&redis, &format!("test:text:{id}"), before);
        let whole = Duration::from_secs(90 * 60);
        assert!(least <= whole && whole <= most, "jitter = 0 stored {least:?} to {most:?}");

        let before = Instant::now();
        prices.with_much_jitter(id).await;
        let (least, most) = stored_ttl(&redis, &format!("test:half:{id}"), before);
        assert!(least <= Duration::from_secs(100) && most >= Duration::from_secs(50), "{least:?} to {most:?}");
        shortest = shortest.min(least);
    }
    // By chance once in 10^11: all of 40 draws from the upper half.
    assert!(shortest < Duration::from_secs(75), "{shortest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ttl_of_never_is_no_expiry() {
    let redis = Redis::start();
    let prices = Prices::over(&patient(&redis));
    assert_eq!(prices.without_end(1).await, 1);
    assert_eq!(redis.command::<i64>(&["PTTL", "test:never:1"]), -1);
    assert_eq!(prices.without_end(1).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ttl_taken_from_the_value_is_what_is_stored() {
    let redis = Redis::start();
    let prices = Prices::over(&patient(&redis));
    let before = Instant::now();
    prices.by_seconds(70).await.unwrap();
    let (least, most) = stored_ttl(&redis, "test:value:70", before);
    assert!(least <= Duration::from_secs(70) && Duration::from_secs(70) <= most, "{least:?} to {most:?}");
    let before = Instant::now();
    prices.by_duration(70_500).await.unwrap();
    let (least, most) = stored_ttl(&redis, "test:duration:70500", before);
    assert!(least <= Duration::from_millis(70_500) && Duration::from_millis(70_500) <= most, "{least:?} to {most:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ttl_of_zero_leaves_nothing_in_redis() {
    let redis = Redis::start();
    let prices = Prices::over(&patient(&redis));
    prices.by_seconds(0).await.unwrap();
    prices.by_duration(0).await.unwrap();
    assert_eq!(redis.command::<u64>(&["EXISTS", "test:value:0", "test:duration:0"]), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_has_the_ttl_it_was_given() {
    let redis = Redis::start();
    let cache = patient(&redis);
    let before = Instant::now();
    cache.put(&key!("k"), &1, Policy::ttl(Duration::from_secs(10)).jitter(0.0)).await.unwrap();
    let (least, most) = stored_ttl(&redis, "test:k", before);
    assert!(least <= Duration::from_secs(10) && Duration::from_secs(10) <= most, "{least:?} to {most:?}");
    cache.put(&key!("k"), &1, Policy::never()).await.unwrap();
    assert_eq!(redis.command::<i64>(&["PTTL", "test:k"]), -1);
    assert!(cache.put(&key!("zero"), &1, Duration::ZERO).await.is_err(), "a ttl of zero would be for ever or nothing");
    assert_eq!(redis.command::<u64>(&["EXISTS", "test:zero"]), 0);
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_value_lives_as_long_as_the_ttl_less_its_jitter() {
    let prices = Prices::over(&Cache::in_memory());
    for id in 0..20 {
        let began = tokio::time::Instant::now();
        let loaded = prices.in_seconds(id).await;
        tokio::time::sleep_until(began + Duration::from_millis(94_999)).await;
        assert_eq!(prices.in_seconds(id).await, loaded, "gone before 95 % of its ttl");
        tokio::time::sleep_until(began + Duration::from_secs(100)).await;
        assert_eq!(prices.in_seconds(id).await, loaded + 1, "there after its ttl");
    }
    let (text, never) = (prices.in_text(1).await, prices.without_end(1).await);
    tokio::time::sleep(Duration::from_millis(5_399_999)).await;
    assert_eq!(prices.in_text(1).await, text);
    tokio::time::sleep(Duration::from_secs(365 * 86_400)).await;
    assert_ne!(prices.in_text(1).await, text);
    assert_eq!(prices.without_end(1).await, never);
}

promises! {
    async fn a_value_is_loaded_again_after_its_ttl(world: World) {
        let prices = Prices::over(&world.cache);
        assert_eq!(prices.for_a_moment(1).await, 1);
        eventually("the value is still there", async || prices.for_a_moment(1).await == 2).await;
    }

    async fn a_ttl_of_zero_stores_nothing(world: World) {
        let prices = Prices::over(&world.cache);
        for load in 1..=3 {
            assert_eq!(prices.by_seconds(0).await, Ok((load, 0)));
        }
        for load in 4..=6 {
            assert_eq!(prices.by_duration(0).await, Some((load, 0)));
        }
        let free = || async { Ok::<_, ()>(prices.loads.add()) };
        assert_eq!(world.cache.get_or_load(key!("k"), Duration::ZERO, free).await, Ok(7));
        assert_eq!(world.cache.get_or_load(key!("k"), Duration::ZERO, free).await, Ok(8));
        assert_eq!(world.cache.stats().total().stores, 0);
    }

    async fn a_ttl_beyond_all_clocks_is_stored(world: World) {
        let prices = Prices::over(&world.cache);
        for _ in 0..2 {
            assert_eq!(prices.by_seconds(u64::MAX).await, Ok((1, u64::MAX)));
            let policy = Policy::ttl(Duration::MAX).jitter(0.0);
            let loaded = world.cache.get_or_load(key!("k"), policy, || async { Ok::<_, ()>(prices.loads.add()) }).await;
            assert_eq!(loaded, Ok(2));
        }
        world.cache.put(&key!("put"), &3, Duration::MAX).await.unwrap();
        assert_eq!(world.cache.get::<i32>(&key!("put")).await, Some(3));
    }

    async fn a_wait_beyond_all_clocks_is_a_wait(world: World) {
        let policy = Policy::ttl(Duration::from_secs(60)).mutex().wait(Duration::MAX);
        let loaded = world.cache.get_or_load(key!("k"), policy, || async { Ok::<_, ()>(1) }).await;
        assert_eq!(loaded, Ok(1));
    }
}
