//! Refreshes that nobody waits for, that fail, and of blocking functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, cached, key};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::gate::Gate;
use crate::promises;
use crate::support::{Count, eventually};

const TTL: Duration = Duration::from_secs(1);
/// How many refreshes run in the background at a time.
const BOUND: u64 = 64;

#[derive(Clone, Debug, PartialEq)]
struct Refused;

struct Feeds {
    cache: Cache,
    loads: Count,
    gate: Gate,
    refuses: AtomicBool,
}

impl Feeds {
    fn over(cache: &Cache) -> Arc<Self> {
        let (loads, gate, refuses) = (Count::default(), Gate::closed(), AtomicBool::new(false));
        Arc::new(Self { cache: cache.clone(), loads, gate, refuses })
    }

    fn end(&self) -> Result<u64, Refused> {
        let load = self.loads.add();
        if self.refuses.load(Ordering::SeqCst) { Err(Refused) } else { Ok(load) }
    }

    #[cached(
        key = "feed:<id>", ttl = "1s", jitter = 0, stale = "1h", early = off, refresh = background,
        cache = self.cache.clone()
    )]
    async fn find(self: Arc<Self>, id: u64) -> Result<u64, Refused> {
        self.gate.pass().await;
        self.end()
    }

    #[cached(key = "blocking:<id>", ttl = "20ms", stale = "1h", early = off, cache = self.cache.clone())]
    fn find_blocking(&self, id: u64) -> Result<u64, Refused> {
        self.end()
    }

    #[cached(
        key = "blocking:<id>", ttl = "20ms", stale = "1h", early = off, refresh = background,
        cache = self.cache.clone()
    )]
    fn find_blocking_and_go_on(self: Arc<Self>, id: u64) -> Result<u64, Refused> {
        Handle::current().block_on(self.gate.pass());
        self.end()
    }
}

/// Whatever can go on without time passing has done so: a paused clock goes on when nothing else does.
async fn settled() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn refreshes_in_the_background_are_bounded_and_those_over_the_bound_come_later() {
    const FEEDS: u64 = BOUND + 36;
    let feeds = Feeds::over(&Cache::in_memory());
    let find = |id| Arc::clone(&feeds).find(id);
    for id in 0..FEEDS {
        feeds.gate.let_one_on();
        assert_eq!(find(id).await, Ok(id + 1));
    }
    sleep(TTL * 2).await;
    for _ in 0..3 {
        for id in 0..FEEDS {
            assert_eq!(find(id).await, Ok(id + 1));
        }
        settled().await;
        assert_eq!(feeds.gate.loads(), FEEDS + BOUND);
        // As long as one that was over the bound is not tried again.
        sleep(TTL / 3).await;
    }
    feeds.gate.open();
    settled().await;
    for id in 0..FEEDS {
        find(id).await.expect("no load fails");
    }
    settled().await;
    for id in 0..FEEDS {
        assert!(find(id).await.is_ok_and(|load| load > FEEDS), "{id}");
    }
    assert_eq!(feeds.loads.get(), FEEDS * 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_in_the_background_that_fails_is_one_stale_answer() {
    let feeds = Feeds::over(&Cache::in_memory());
    feeds.gate.open();
    assert_eq!(Arc::clone(&feeds).find(7).await, Ok(1));
    sleep(TTL * 2).await;
    feeds.refuses.store(true, Ordering::SeqCst);
    assert_eq!(Arc::clone(&feeds).find(7).await, Ok(1));
    settled().await;
    let stats = feeds.cache.stats().total();
    assert_eq!((stats.refreshes, stats.failures, stats.hits, stats.stale), (1, 1, 1, 1), "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_after_the_hard_end_is_an_error_and_before_it_the_old_value() {
    let cache = Cache::in_memory();
    let policy = Policy::ttl(TTL).stale(TTL).jitter(0.0).no_early();
    for (id, takes, answer) in [(1, TTL / 4, Ok(1)), (2, TTL, Err(Refused))] {
        let read = async |takes, loaded: Result<u64, Refused>| {
            let load = async || {
                sleep(takes).await;
                loaded
            };
            cache.get_or_load(key!("feed:<id>"), policy, load).await
        };
        assert_eq!(read(Duration::ZERO, Ok(1)).await, Ok(1));
        sleep(TTL * 3 / 2).await;
        assert_eq!(read(takes, Err(Refused)).await, answer);
    }
    let stats = cache.stats().total();
    assert_eq!((stats.refreshes, stats.failures, stats.stale), (2, 2, 1), "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_after_the_store_has_dropped_the_old_value_is_an_error() {
    let cache = Cache::in_memory();
    let policy = Policy::ttl(TTL).jitter(0.0);
    let early = policy.early(1e9);
    let stored_with_less = (policy.stale(TTL), policy.stale(TTL * 60).no_early(), TTL * 3 / 2);
    for (id, (stores, reads, age)) in [(1, (early, early, TTL * 9 / 10)), (2, stored_with_less)] {
        let read = async |policy, takes, loaded: Result<u64, Refused>| {
            let load = async || {
                sleep(takes).await;
                loaded
            };
            cache.get_or_load(key!("feed:<id>"), policy, load).await
        };
        assert_eq!(read(stores, TTL / 100, Ok(1)).await, Ok(1));
        sleep(age).await;
        assert_eq!(read(reads, TTL, Err(Refused)).await, Err(Refused), "{id}");
    }
    let stats = cache.stats().total();
    assert_eq!((stats.refreshes, stats.early_refreshes, stats.stale), (2, 1, 0), "{stats:?}");
}

#[cached(key = "country:<id>", ttl = 3600, skip(countries))]
fn country(countries: &Count, id: u64) -> u64 {
    countries.add()
}

#[cached(
    key = "region:<id>", ttl = "20ms", stale = "1h", early = off, refresh = background, skip(regions, countries)
)]
fn region(regions: Count, countries: Count, id: u64) -> u64 {
    country(&countries, id);
    regions.add()
}

/// `eventually` on a plain thread.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

promises! {
    async fn blocking_functions_refresh_too(world: World) {
        let feeds = Feeds::over(&world.cache);
        let reader = move || {
            let go_on = || Arc::clone(&feeds).find_blocking_and_go_on(7);
            assert_eq!(feeds.find_blocking(7), Ok(1));
            feeds.refuses.store(true, Ordering::SeqCst);
            until("a refresh that fails", || {
                assert_eq!(feeds.find_blocking(7), Ok(1));
                feeds.loads.get() > 1
            });
            feeds.refuses.store(false, Ordering::SeqCst);
            // Not at once, after a failure.
            until("a refresh in the background", || {
                assert_eq!(go_on(), Ok(1));
                feeds.gate.loads() > 0
            });
            assert_eq!(go_on(), Ok(1));
            feeds.gate.open();
            until("its value", || go_on().is_ok_and(|load| load > 2));
        };
        std::thread::spawn(reader).join().unwrap();
    }

    async fn a_blocking_refresh_in_the_background_is_in_the_scope_of_its_caller(world: World) {
        let (regions, countries) = (Count::default(), Count::default());
        let find = || region(regions.clone(), countries.clone(), 7);
        let refreshed = async {
            assert_eq!(find(), 1);
            eventually("a refresh", async || find() > 1).await;
        };
        world.cache.scope(refreshed).await;
        assert_eq!(countries.get(), 1, "what it calls is cached as well");
    }
}
