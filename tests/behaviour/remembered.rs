//! Errors that are remembered for a moment.

use cached_runtime::{Cache, cached, key};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::gate::Gate;
use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis, eventually};

const CALLERS: usize = 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Refused {
    Busy { until: u64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OtherError;

#[derive(Clone)]
struct Quotes {
    cache: Cache,
    loads: Count,
    gate: Gate,
}

impl Quotes {
    fn over(cache: &Cache) -> Self {
        let gate = Gate::closed();
        gate.open();
        Self { cache: cache.clone(), loads: Count::default(), gate }
    }

    async fn refuse(&self) -> Result<u64, Refused> {
        let until = self.loads.add();
        self.gate.pass().await;
        Err(Refused::Busy { until })
    }

    #[cached(
        key = "quote:<id>", tag = "quotes", ttl = 60, error_ttl = "60s", skip(fails),
        mutex(lease = "20s", wait = "20s"), cache = self.cache.clone()
    )]
    async fn find(&self, id: u64, fails: bool) -> Result<u64, Refused> {
        if fails { self.refuse().await } else { Ok(self.loads.add()) }
    }

    #[cached(key = "brief:<id>", ttl = 60, error_ttl = "150ms", cache = self.cache.clone())]
    async fn find_briefly(&self, id: u64) -> Result<u64, Refused> {
        self.refuse().await
    }

    #[cached(key = "blocking:<id>", ttl = 60, error_ttl = 60, cache = self.cache.clone())]
    fn find_blocking(&self, id: u64) -> Result<u64, Refused> {
        Err(Refused::Busy { until: self.loads.add() })
    }

    /// The same key, and no errors remembered.
    #[cached(key = "quote:<id>", tag = "quotes", ttl = 60, cache = self.cache.clone())]
    async fn find_without(&self, id: u64) -> Result<u64, Refused> {
        self.refuse().await
    }

    /// The same key, and another error.
    #[cached(key = "quote:<id>", tag = "quotes", ttl = 60, error_ttl = 60, cache = self.cache.clone())]
    async fn find_otherwise(&self, id: u64) -> Result<u64, OtherError> {
        self.loads.add();
        Err(OtherError)
    }
}

const fn busy(until: u64) -> Result<u64, Refused> {
    Err(Refused::Busy { until })
}

promises! {
    async fn an_error_is_remembered_for_as_long_as_it_says_and_no_longer(world: World) {
        let quotes = Quotes::over(&world.cache);
        let elsewhere = Quotes { cache: world.other_process(), ..quotes.clone() };
        assert_eq!(quotes.find_briefly(7).await, busy(1));
        for _ in 0..CALLERS {
            assert!(quotes.find_briefly(7).await.is_err() && elsewhere.find_briefly(7).await.is_err());
        }
        assert!(quotes.loads.get() < 5, "{} loads", quotes.loads.get());
        let loads = quotes.loads.get();
        eventually("another try", async || quotes.find_briefly(7).await != busy(loads)).await;
    }

    async fn those_who_wait_for_a_load_that_fails_have_its_error(world: World) {
        let quotes = Quotes { gate: Gate::closed(), ..Quotes::over(&world.cache) };
        let elsewhere = Quotes { cache: world.other_process(), ..quotes.clone() };
        let first = tokio::spawn({
            let quotes = quotes.clone();
            async move { quotes.find(7, true).await }
        });
        quotes.gate.entered(1).await;
        let waiting = tokio::spawn({
            let elsewhere = elsewhere.clone();
            async move { join_all((0..CALLERS).map(|_| elsewhere.find(7, true))).await }
        });
        if world.redis.is_some() {
            eventually("a waiter", async || elsewhere.cache.stats().total().lock_waits > 0).await;
        }
        quotes.gate.open();
        assert_eq!(first.await.unwrap(), busy(1));
        assert!(waiting.await.unwrap().iter().all(|error| *error == busy(1)));
        assert_eq!(quotes.loads.get(), 1);
    }

    async fn whoever_remembers_no_errors_is_given_none(world: World) {
        let quotes = Quotes::over(&world.cache);
        // The second call waits for what the first one has left on its way.
        for _ in 0..2 {
            assert_eq!(quotes.find(7, true).await, busy(1));
        }
        assert_eq!(quotes.find_without(7).await, busy(2));
        for _ in 0..2 {
            assert_eq!(quotes.find(7, true).await, busy(3));
        }
        assert_eq!(quotes.find_otherwise(7).await, Err(OtherError));
        assert_eq!(quotes.find(7, true).await, busy(5));
        assert_eq!(quotes.cache.get::<u64>(&key!("quote:7")).await, None);
    }

    async fn an_invalidation_ends_a_remembered_error(world: World) {
        let quotes = Quotes::over(&world.cache);
        assert_eq!(quotes.find(7, true).await, busy(1));
        assert_eq!(quotes.find(7, false).await, busy(1));
        world.other_process().invalidate(&key!("quote:7")).await.unwrap();
        assert_eq!(quotes.find(7, true).await, busy(2));
        world.other_process().invalidate_tag(&key!("quotes")).await.unwrap();
        assert_eq!(quotes.find(7, false).await, Ok(3));
        assert_eq!(quotes.find(7, true).await, Ok(3));
    }

    async fn an_invalidation_during_a_load_that_fails_wins(world: World) {
        let quotes = Quotes { gate: Gate::closed(), ..Quotes::over(&world.cache) };
        let loading = tokio::spawn({
            let quotes = quotes.clone();
            async move { quotes.find(7, true).await }
        });
        quotes.gate.entered(1).await;
        world.other_process().invalidate(&key!("quote:7")).await.unwrap();
        quotes.gate.open();
        assert_eq!(loading.await.unwrap(), busy(1));
        assert_eq!(quotes.find(7, true).await, busy(2));
    }

    async fn blocking_functions_remember_errors_too(world: World) {
        let quotes = Quotes::over(&world.cache);
        let reader = quotes.clone();
        std::thread::spawn(move || {
            assert_eq!(reader.find_blocking(7), busy(1));
            // The entry is on its way when the error is returned, and not waited for.
            let told = (0..CALLERS).filter(|_| reader.find_blocking(7) == busy(reader.loads.get())).count();
            assert!(told > 0 && reader.loads.get() < 4, "{told} of {} loads", reader.loads.get());
        })
        .join()
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remembered_error_expires_by_itself() {
    let redis = Redis::start();
    let quotes = Quotes::over(&patient(&redis));
    assert_eq!(quotes.find(7, true).await, busy(1));
    assert_eq!(quotes.find(7, true).await, busy(1));
    let left: u64 = redis.command(&["PTTL", "test:quote:7"]);
    assert!((50_000..=60_000).contains(&left), "{left}");
}
