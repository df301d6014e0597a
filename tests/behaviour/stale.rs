//! Values that are served past their ttl while one caller loads them anew.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Cache, Policy, cached, key};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use crate::gate::Gate;
use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis, eventually};

const CALLERS: usize = 20;
/// What needs no load takes no longer.
const AT_ONCE: Duration = Duration::from_secs(2);
/// As the lease below: so long nobody tries again after a failure.
const PAUSE: Duration = Duration::from_millis(400);

#[derive(Clone, Debug, PartialEq)]
struct Refused;

/// What a load does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Luck {
    Good,
    Refused,
    Panics,
    Nothing,
}

#[derive(Clone)]
struct Rates {
    cache: Cache,
    loads: Count,
    gate: Gate,
    luck: tokio::sync::watch::Sender<Luck>,
}

impl Rates {
    fn over(cache: &Cache) -> Arc<Self> {
        let luck = tokio::sync::watch::Sender::new(Luck::Good);
        Arc::new(Self { cache: cache.clone(), loads: Count::default(), gate: Gate::closed(), luck })
    }

    /// The same table from another process.
    fn elsewhere(&self, cache: Cache) -> Arc<Self> {
        Arc::new(Self { cache, ..self.clone() })
    }

    async fn load(&self) -> Result<Option<u64>, Refused> {
        let load = self.loads.add();
        self.gate.pass().await;
        match *self.luck.borrow() {
            Luck::Good => Ok(Some(load)),
            Luck::Refused => Err(Refused),
            // Prints nothing, unlike `panic!`.
            Luck::Panics => std::panic::resume_unwind(Box::new("as it should")),
            Luck::Nothing => Ok(None),
        }
    }

    #[cached(
        key = "rate:<id>", ttl = "20ms", stale = "60s", early = off, mutex(lease = "400ms", wait = "10s"),
        cache = self.cache.clone()
    )]
    async fn find(&self, id: u64) -> Result<Option<u64>, Refused> {
        self.load().await
    }

    #[cached(
        key = "rate:<id>", ttl = "20ms", stale = "60s", early = off, refresh = background,
        mutex(lease = "400ms", wait = "10s"), cache = self.cache.clone()
    )]
    async fn find_and_go_on(self: Arc<Self>, id: u64) -> Result<Option<u64>, Refused> {
        self.load().await
    }

    #[cached(
        key = "rate:<id>", tag = "rates", ttl = "20ms", stale = "60s", early = off, cache = self.cache.clone()
    )]
    async fn find_tagged(&self, id: u64) -> Result<Option<u64>, Refused> {
        self.load().await
    }

    #[cached(key = "rate:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_fresh(&self, id: u64) -> Result<Option<u64>, Refused> {
        self.load().await
    }

    #[cached(key = "rate:<id>", ttl = 60, load_timeout = "300ms", stale = "60s", refresh = background,
        mutex(lease = "100ms"), cache = self.cache.clone())]
    async fn find_in_time(self: Arc<Self>, id: u64) -> Result<Option<u64>, Refused> {
        self.load().await
    }

    /// The first load, and its ttl.
    async fn warm(&self, id: u64) {
        self.gate.let_one_on();
        assert_eq!(self.find(id).await, Ok(Some(1)));
        past_its_ttl().await;
    }
}

/// Nothing says that a ttl is over.
async fn past_its_ttl() {
    sleep(Duration::from_millis(25)).await;
}

async fn at_once<T>(call: impl Future<Output = T>) -> T {
    timeout(AT_ONCE, call).await.expect("a call that waits for a load")
}

promises! {
    async fn one_caller_refreshes_and_the_others_have_the_old_value_at_once(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        let refreshing = tokio::spawn({
            let rates = Arc::clone(&rates);
            async move { rates.find(7).await }
        });
        rates.gate.entered(2).await;
        let elsewhere = rates.elsewhere(world.other_process());
        for rates in [&rates, &elsewhere] {
            let old = at_once(join_all((0..CALLERS).map(|_| rates.find(7)))).await;
            assert!(old.iter().all(|old| *old == Ok(Some(1))), "{old:?}");
        }
        assert_eq!(rates.loads.get(), 2);
        rates.gate.let_one_on();
        assert_eq!(refreshing.await.unwrap(), Ok(Some(2)));
        assert_eq!(at_once(elsewhere.find(7)).await, Ok(Some(2)));
        assert_eq!(rates.loads.get(), 2);
        let stats = rates.cache.stats().total();
        assert_eq!((stats.refreshes, stats.early_refreshes, stats.stores), (1, 0, 2), "{stats:?}");
        assert!(stats.stale >= CALLERS as u64, "{stats:?}");
    }

    async fn in_the_background_nobody_waits_for_a_refresh(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        for _ in 0..CALLERS {
            assert_eq!(at_once(Arc::clone(&rates).find_and_go_on(7)).await, Ok(Some(1)));
        }
        rates.gate.entered(2).await;
        rates.gate.let_one_on();
        eventually("the new value", async || rates.cache.stats().total().stores == 2).await;
        assert_eq!(at_once(Arc::clone(&rates).find_and_go_on(7)).await, Ok(Some(2)));
        let stats = rates.cache.stats().total();
        assert_eq!((rates.loads.get(), stats.refreshes, stats.misses), (2, 1, 1), "{stats:?}");
    }

    async fn a_refresh_that_fails_leaves_the_old_value_and_is_not_tried_with_each_call(world: World) {
        let rates = Rates::over(&world.cache);
        let elsewhere = rates.elsewhere(world.other_process());
        rates.warm(7).await;
        rates.gate.open();
        rates.luck.send_replace(Luck::Refused);
        for _ in 0..CALLERS {
            assert_eq!(rates.find(7).await, Ok(Some(1)));
            assert_eq!(elsewhere.find(7).await, Ok(Some(1)));
        }
        let tried = rates.loads.get();
        assert!((2..=4).contains(&tried), "{tried} loads");
        rates.luck.send_replace(Luck::Good);
        eventually("another try", async || rates.find(7).await.is_ok_and(|rate| rate > Some(1))).await;
    }

    async fn a_panic_in_the_background_leaves_the_old_value(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        rates.gate.open();
        rates.luck.send_replace(Luck::Panics);
        for _ in 0..CALLERS {
            assert_eq!(Arc::clone(&rates).find_and_go_on(7).await, Ok(Some(1)));
        }
        eventually("a try", async || rates.loads.get() >= 2).await;
        assert_eq!(Arc::clone(&rates).find_and_go_on(7).await, Ok(Some(1)));
        rates.luck.send_replace(Luck::Good);
        let found = async || Arc::clone(&rates).find_and_go_on(7).await.is_ok_and(|rate| rate > Some(1));
        eventually("another try", found).await;
        assert!(rates.loads.get() < 8, "{} loads", rates.loads.get());
    }

    async fn an_invalidation_during_a_refresh_wins(world: World) {
        let rates = Rates::over(&world.cache);
        for background in [false, true] {
            rates.cache.invalidate(&key!("rate:7")).await.unwrap();
            let loads = rates.loads.get();
            rates.gate.let_one_on();
            rates.find(7).await.unwrap();
            past_its_ttl().await;
            let refreshing = tokio::spawn({
                let rates = Arc::clone(&rates);
                async move { if background { rates.find_and_go_on(7).await } else { rates.find(7).await } }
            });
            rates.gate.entered(loads + 2).await;
            let late = rates.cache.stats().total().late_fills;
            world.other_process().invalidate(&key!("rate:7")).await.unwrap();
            rates.gate.let_one_on();
            refreshing.await.unwrap().unwrap();
            eventually("a rejected refill", async || rates.cache.stats().total().late_fills == late + 1).await;
            assert_eq!(rates.cache.get::<u64>(&key!("rate:7")).await, None);
            rates.gate.let_one_on();
            assert_eq!(rates.find(7).await, Ok(Some(loads + 3)));
        }
    }

    async fn a_tag_and_a_clear_during_a_refresh_win(world: World) {
        let rates = Rates::over(&world.cache);
        for clears in [false, true] {
            let (id, loads) = (u64::from(clears), rates.loads.get());
            rates.gate.let_one_on();
            rates.find_tagged(id).await.unwrap();
            past_its_ttl().await;
            let refreshing = tokio::spawn({
                let rates = Arc::clone(&rates);
                async move { rates.find_tagged(id).await }
            });
            rates.gate.entered(loads + 2).await;
            let other = world.other_process();
            if clears { other.clear().await.unwrap() } else { other.invalidate_tag(&key!("rates")).await.unwrap() }
            rates.gate.let_one_on();
            assert_eq!(refreshing.await.unwrap(), Ok(Some(loads + 2)));
            rates.gate.let_one_on();
            assert_eq!(rates.find_tagged(id).await, Ok(Some(loads + 3)), "clears: {clears}");
        }
    }

    async fn a_refresh_that_finds_nothing_ends_the_old_value(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        rates.gate.open();
        rates.luck.send_replace(Luck::Nothing);
        assert_eq!(rates.find(7).await, Ok(None));
        assert_eq!(rates.find(7).await, Ok(None));
        assert_eq!(rates.elsewhere(world.other_process()).find(7).await, Ok(None));
        assert_eq!(rates.loads.get(), 4);
    }

    async fn a_refresh_whose_caller_goes_away_is_taken_on_by_the_next_one(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        assert!(timeout(Duration::from_millis(50), rates.find(7)).await.is_err(), "a refresh that did not stand");
        assert_eq!(rates.loads.get(), 2);
        rates.gate.open();
        eventually("a refresh", async || rates.find(7).await == Ok(Some(3))).await;
    }

    async fn whoever_allows_no_stale_value_gets_none(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        rates.gate.open();
        assert_eq!(rates.cache.get::<u64>(&key!("rate:7")).await, None);
        assert_eq!(rates.find_fresh(7).await, Ok(Some(2)));
        assert_eq!(rates.find(7).await, Ok(Some(2)));
        assert_eq!(rates.cache.get::<u64>(&key!("rate:7")).await, Some(2));
    }

    async fn past_its_hard_end_a_value_is_gone(world: World) {
        let loads = Count::default();
        let policy = Policy::ttl(Duration::from_millis(10)).stale(Duration::from_millis(40)).no_early();
        let read = async || {
            world.cache.get_or_load(key!("short"), policy, || async { Ok::<_, Refused>(loads.add()) }).await
        };
        assert_eq!(read().await, Ok(1));
        sleep(Duration::from_millis(60)).await;
        assert_eq!(read().await, Ok(2));
        assert_eq!(world.cache.stats().total().refreshes, 0);
    }

    async fn inside_of_a_transaction_nothing_is_refreshed(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        rates.gate.open();
        let scope = world.cache.transaction();
        assert_eq!(rates.find(7).await, Ok(Some(2)));
        drop(scope);
        assert_eq!(rates.cache.stats().total().refreshes, 0);
    }

    async fn a_background_refresh_that_takes_too_long_is_given_up(world: World) {
        let rates = Rates::over(&world.cache);
        rates.warm(7).await;
        assert_eq!(at_once(Arc::clone(&rates).find_in_time(7)).await, Ok(Some(1)));
        rates.gate.entered(2).await;
        // It hangs; the old value is there all the same, and another load is tried when this one is given up.
        let third = async || {
            assert_eq!(Arc::clone(&rates).find_in_time(7).await, Ok(Some(1)));
            rates.loads.get() >= 3
        };
        eventually("another try", third).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_is_added_to_the_stored_ttl_and_jitter_is_not() {
    let redis = Redis::start();
    let cache = patient(&redis);
    for id in 0..20 {
        let policy = Policy::ttl(Duration::from_secs(100)).stale(Duration::from_secs(1_000)).jitter(0.5);
        cache.get_or_load(key!("rate:<id>"), policy, || async { Ok::<_, Refused>(1) }).await.unwrap();
        let left: u64 = redis.command(&["PTTL", &format!("test:rate:{id}")]);
        assert!((1_045_000..=1_100_000).contains(&left), "{left}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresher_that_died_is_replaced_when_its_lease_is_over() {
    let redis = Redis::start();
    let rates = Rates::over(&patient(&redis));
    rates.warm(7).await;
    rates.gate.open();
    let mut lease = vec![0xC5, b'L'];
    lease.extend([9; 16]);
    redis.set_bytes("test:%refresh:rate:7", &lease);
    redis.command::<()>(&["PEXPIRE", "test:%refresh:rate:7", "500"]);
    let began = std::time::Instant::now();
    assert_eq!(at_once(rates.find(7)).await, Ok(Some(1)));
    eventually("a refresh", async || rates.find(7).await == Ok(Some(2))).await;
    assert!(began.elapsed() > PAUSE, "{:?}", began.elapsed());
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waited_in_vain_takes_the_value_that_came_meanwhile() {
    let redis = Redis::start();
    let rates = Rates::over(&patient(&redis));
    let elsewhere = rates.elsewhere(patient(&redis));
    let loading = tokio::spawn(async move { elsewhere.find(7).await });
    rates.gate.entered(1).await;
    // While another process has the lease this one loads for itself, and shares that.
    let sharing = tokio::spawn({
        let rates = Arc::clone(&rates);
        async move { rates.find_fresh(7).await }
    });
    rates.gate.entered(2).await;
    let policy = Policy::ttl(Duration::from_secs(60)).mutex().wait(Duration::from_millis(300));
    let waiting = rates.cache.get_or_load(key!("rate:7"), policy.stale(AT_ONCE).stale_on_timeout(), || rates.load());
    let ((), waited) = tokio::join!(async { rates.gate.let_one_on() }, at_once(waiting));
    assert_eq!(waited, Ok(Some(1)));
    assert_eq!(loading.await.unwrap(), Ok(Some(1)));
    assert_eq!(rates.loads.get(), 2);
    rates.gate.open();
    assert_eq!(sharing.await.unwrap(), Ok(Some(2)));
}
