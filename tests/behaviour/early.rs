//! Values that are loaded anew before their ttl is over.

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, cached, key};
use tokio::time::sleep;

use crate::promises;
use crate::support::Count;

const TTL: Duration = Duration::from_millis(2_000);
/// What makes a load worth an early refresh.
const SLOW: Duration = Duration::from_millis(20);

#[derive(Clone)]
struct Feeds {
    cache: Cache,
    loads: Count,
}

impl Feeds {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default() }
    }

    async fn load(&self, takes: Duration) -> Result<u64, String> {
        sleep(takes).await;
        Ok(self.loads.add())
    }

    #[cached(key = "slow", ttl = "2s", jitter = 0, cache = self.cache.clone())]
    async fn slow(&self) -> Result<u64, String> {
        self.load(SLOW).await
    }

    #[cached(key = "quick", ttl = "2s", jitter = 0, cache = self.cache.clone())]
    async fn quick(&self) -> Result<u64, String> {
        self.load(Duration::ZERO).await
    }

    #[cached(key = "late", ttl = "2s", jitter = 0, early = off, cache = self.cache.clone())]
    async fn never_early(&self) -> Result<u64, String> {
        self.load(SLOW).await
    }

    #[cached(key = "sooner", ttl = "2s", jitter = 0.2, early = 1000.0, cache = self.cache.clone())]
    async fn as_early_as_may_be(&self) -> Result<u64, String> {
        self.load(SLOW).await
    }
}

promises! {
    async fn a_hot_key_whose_load_is_worth_it_is_loaded_anew_before_it_expires(world: World) {
        let feeds = Feeds::over(&world.cache);
        feeds.slow().await.unwrap();
        let (stored, mut new) = (Instant::now(), 1);
        while stored.elapsed() < TTL - Duration::from_millis(30) && new == 1 {
            new = feeds.slow().await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        let stats = feeds.cache.stats().total();
        assert_eq!((new, stats.refreshes, stats.early_refreshes, stats.stale), (2, 1, 1, 0), "{stats:?}");
    }

    async fn quick_loads_and_those_that_say_off_wait_for_the_end(world: World) {
        let feeds = Feeds::over(&world.cache);
        feeds.quick().await.unwrap();
        feeds.never_early().await.unwrap();
        let stored = Instant::now();
        while stored.elapsed() < TTL - Duration::from_millis(60) {
            feeds.quick().await.unwrap();
            feeds.never_early().await.unwrap();
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(feeds.cache.stats().total().refreshes, 0);
    }

    async fn no_refresh_is_early_before_four_fifths_of_the_ttl_as_written(world: World) {
        let feeds = Feeds::over(&world.cache);
        for _ in 0..2 {
            let before = feeds.cache.stats().total().early_refreshes;
            let (stored, first) = (Instant::now(), feeds.as_early_as_may_be().await.unwrap());
            while feeds.as_early_as_may_be().await.unwrap() == first {
                sleep(Duration::from_millis(2)).await;
            }
            let stats = feeds.cache.stats().total();
            // Jitter may end it before; then it is a miss.
            assert!(stats.early_refreshes == before || stored.elapsed() > TTL * 4 / 5, "{:?}", stored.elapsed());
        }
    }

    async fn an_early_refresh_that_fails_is_a_hit(world: World) {
        let policy = Policy::ttl(TTL).early(1000.0).jitter(0.0);
        let read = async |fails: bool| {
            let load = async || {
                sleep(SLOW).await;
                if fails { Err("refused") } else { Ok(1) }
            };
            world.cache.get_or_load(key!("feed"), policy, load).await
        };
        assert_eq!(read(false).await, Ok(1));
        sleep(TTL * 41 / 50).await;
        assert_eq!(read(true).await, Ok(1));
        let stats = world.cache.stats().total();
        assert_eq!((stats.early_refreshes, stats.failures), (1, 1), "{stats:?}");
    }
}
