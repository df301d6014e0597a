//! Values that are loaded anew before their ttl is over.

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, cached, key};
use tokio::time::sleep;

use crate::promises;
use crate::support::Count;

const TTL: Duration = Duration::from_millis(2_000);
/// What makes a load worth an early refresh.
const SLOW: Duration = Duration::from_millis(20);
/// Reads draw whether they refresh: all of those of one life may draw in vain, and of so many never.
const LIVES: u64 = 5;

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

    #[cached(key = "ahead", ttl = "2s", jitter = 0, early = 20.0, cache = self.cache.clone())]
    async fn far_ahead(&self) -> Result<u64, String> {
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

    /// Reads again and again, until one of the reads has loaded anew what was still there: and nobody else did.
    async fn until_early(&self, read: impl AsyncFn() -> Result<u64, String>) {
        loop {
            let last = read().await.expect("no load fails");
            let stats = self.cache.stats().total();
            assert_eq!((stats.refreshes, stats.stale), (stats.early_refreshes, 0), "{stats:?}");
            if stats.early_refreshes > 0 {
                assert_eq!((stats.early_refreshes, last), (1, self.loads.get()), "{stats:?}");
                return;
            }
            assert!(self.loads.get() <= LIVES, "{stats:?}");
            sleep(Duration::from_millis(1)).await;
        }
    }
}

promises! {
    async fn a_key_that_is_read_often_is_loaded_anew_before_it_expires(world: World) {
        let feeds = Feeds::over(&world.cache);
        feeds.until_early(async || feeds.far_ahead().await).await;
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
        // So early that it is no question of luck.
        let policy = Policy::ttl(TTL).early(1e9).jitter(0.0);
        let read = async |life: u64, fails: bool| {
            let load = async || {
                sleep(SLOW).await;
                if fails { Err("refused") } else { Ok(1) }
            };
            world.cache.get_or_load(key!("feed:<life>"), policy, load).await
        };
        // On a busy machine one may expire first.
        let mut lives = 0..LIVES;
        let hit = loop {
            let life = lives.next().expect("a life with an early refresh in it");
            assert_eq!(read(life, false).await, Ok(1));
            sleep(TTL * 41 / 50).await;
            let failures = world.cache.stats().total().failures;
            let hit = read(life, true).await;
            let stats = world.cache.stats().total();
            if stats.early_refreshes > 0 {
                assert_eq!((stats.early_refreshes, stats.failures), (1, failures + 1), "{stats:?}");
                break hit;
            }
        };
        assert_eq!(hit, Ok(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hot_key_whose_load_is_worth_it_is_loaded_anew_before_it_expires() {
    let feeds = Feeds::over(&Cache::in_memory());
    feeds.until_early(async || feeds.slow().await).await;
}
