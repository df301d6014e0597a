//! Loads that fail: those who waited for one end with it, or load side by side, never one after another.

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, cached, key};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::promises;
use crate::support::Count;

const LONG: Duration = Duration::from_secs(5);
const CALLERS: u64 = 20;
const LOAD: Duration = Duration::from_millis(20);

/// An error as most are: no `Clone`.
#[derive(Debug, PartialEq)]
struct Refused(u64);

/// An error that may be handed to everybody.
#[derive(Clone, Debug, PartialEq)]
struct Outage(u64);

/// A panic that prints nothing.
fn panics_quietly() -> ! {
    std::panic::resume_unwind(Box::new("as it should"))
}

#[derive(Clone)]
struct Users {
    cache: Cache,
    loads: Count,
    /// Where the first load of all stands, and where all others do.
    first: Gate,
    others: Gate,
}

impl Users {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default(), first: Gate::closed(), others: Gate::closed() }
    }

    async fn load(&self) -> u64 {
        let load = self.loads.add();
        if load == 1 {
            self.first.pass().await
        } else {
            self.others.pass().await
        }
        load
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn refuse(&self, id: u64) -> Result<u64, Refused> {
        Err(Refused(self.load().await))
    }

    #[cached(key = "user:<id>", ttl = 60, cache = self.cache.clone())]
    async fn refuse_without_mutex(&self, id: u64) -> Result<u64, Refused> {
        Err(Refused(self.load().await))
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn fail(&self, id: u64) -> Result<u64, Outage> {
        Err(Outage(self.load().await))
    }

    #[cached(key = "user:<id>", ttl = 60, cache = self.cache.clone())]
    async fn fail_without_mutex(&self, id: u64) -> Result<Option<u64>, Outage> {
        Err(Outage(self.load().await))
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn panic(&self, id: u64) -> u64 {
        self.load().await;
        panics_quietly()
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn unstorable(&self, id: u64) -> f64 {
        self.load().await;
        f64::NAN
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find(&self, id: u64) -> Result<u64, Refused> {
        Ok(self.loads.add())
    }

    #[cached(key = "quick:<round>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn fail_quickly(&self, round: u64) -> Result<u64, Refused> {
        tokio::time::sleep(LOAD).await;
        Err(Refused(self.loads.add()))
    }

    #[cached(key = "panic:<round>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn panic_quickly(&self, round: u64) -> u64 {
        tokio::time::sleep(LOAD).await;
        panics_quietly()
    }
}

/// Runs one failing leader with joiners, lets it fail, and checks that the joiners' own loads all run at once.
async fn joiners_load_side_by_side<T, F>(users: &Users, call: impl Fn(Users) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let leader = tokio::spawn(call(users.clone()));
    users.first.entered(1).await;
    let mut joined: Vec<_> = (0..CALLERS).map(|_| Box::pin(call(users.clone()))).collect();
    assert!(joined.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
    let joined: Vec<_> = joined.into_iter().map(tokio::spawn).collect();
    users.first.open();
    // None of them can end before all of them have begun.
    users.others.entered(CALLERS).await;
    users.others.open();
    let mut results = Vec::new();
    for call in std::iter::once(leader).chain(joined) {
        if let Ok(result) = timeout(LONG, call).await.expect("somebody waits on") {
            results.push(result);
        }
    }
    assert_eq!(users.loads.get(), CALLERS + 1, "one load each");
    results
}

/// How long a round of callers took, at best: another program's turn on the processor is no convoy.
async fn quickest<F: Future<Output = ()>>(mut round: impl FnMut(u64) -> F) -> Duration {
    let mut best = Duration::MAX;
    for number in 0..8 {
        let began = Instant::now();
        round(number).await;
        best = best.min(began.elapsed());
    }
    best
}

promises! {
    async fn an_error_that_can_be_cloned_is_shared_with_those_who_wait(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.fail(1).await });
        users.first.entered(1).await;
        let mut joined: Vec<_> = (0..CALLERS).map(|_| Box::pin(users.fail(1))).collect();
        assert!(joined.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
        let mut without: Vec<_> = (0..CALLERS).map(|_| Box::pin(users.fail_without_mutex(1))).collect();
        assert!(without.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
        users.first.open();
        assert_eq!(leader.await.unwrap(), Err(Outage(1)));
        let joined = timeout(LONG, join_all(joined)).await.expect("they wait on");
        assert!(joined.iter().all(|result| *result == Err(Outage(1))), "{joined:?}");
        let without = timeout(LONG, join_all(without)).await.expect("they wait on");
        assert!(without.iter().all(|result| *result == Err(Outage(1))), "{without:?}");
        assert_eq!(users.loads.get(), 1);
        users.others.open();
        assert_eq!(users.fail(1).await, Err(Outage(2)), "shared, not cached");
    }

    async fn an_error_of_another_type_is_not_shared(world: World) {
        let users = Users::over(&world.cache);
        users.others.open();
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.fail(1).await });
        users.first.entered(1).await;
        let mut joined = Box::pin(users.find(1));
        assert!((&mut joined).now_or_never().is_none(), "it joined no load");
        users.first.open();
        assert_eq!(leader.await.unwrap(), Err(Outage(1)));
        assert_eq!(timeout(LONG, joined).await.expect("it waits on"), Ok(2));
    }

    async fn after_an_error_that_cannot_be_shared_the_waiters_load_side_by_side(world: World) {
        let users = Users::over(&world.cache);
        let results = joiners_load_side_by_side(&users, |users| async move { users.refuse(1).await }).await;
        let mut errors: Vec<_> = results.into_iter().map(|result| result.unwrap_err().0).collect();
        errors.sort_unstable();
        assert_eq!(errors, (1..=CALLERS + 1).collect::<Vec<_>>(), "each its own");
        let users = Users::over(&world.cache);
        joiners_load_side_by_side(&users, |users| async move { users.refuse_without_mutex(2).await }).await;
    }

    async fn after_a_panic_the_waiters_load_side_by_side(world: World) {
        let users = Users::over(&world.cache);
        let ended = joiners_load_side_by_side(&users, |users| async move { users.panic(1).await }).await;
        assert!(ended.is_empty(), "every load panics in its own caller");
        assert_eq!(timeout(LONG, users.find(1)).await.expect("a panic left a lease"), Ok(CALLERS + 2));
    }

    async fn after_a_value_that_cannot_be_stored_the_waiters_load_side_by_side(world: World) {
        let users = Users::over(&world.cache);
        let results = joiners_load_side_by_side(&users, |users| async move { users.unstorable(1).await }).await;
        assert_eq!(results.len(), 21);
        assert!(results.iter().all(|value| value.is_nan()));
    }

    async fn after_a_failed_load_the_next_caller_loads_at_once(world: World) {
        let users = Users::over(&world.cache);
        users.first.open();
        users.others.open();
        assert_eq!(users.refuse(1).await, Err(Refused(1)));
        assert_eq!(timeout(LONG, users.find(1)).await.expect("an error left a lease"), Ok(2));
        assert_eq!(users.find(1).await, Ok(2));
        let panicking = users.clone();
        assert!(tokio::spawn(async move { panicking.panic(2).await }).await.unwrap_err().is_panic());
        assert_eq!(timeout(LONG, users.find(2)).await.expect("a panic left a lease"), Ok(4));
        assert_eq!(users.find(2).await, Ok(4));
    }

    async fn twenty_callers_of_a_failing_load_of_20_ms_end_within_60_ms(world: World) {
        let users = Users::over(&world.cache);
        let best = quickest(async |round| {
            let results = join_all((0..CALLERS).map(|_| users.fail_quickly(round))).await;
            assert!(results.iter().all(Result::is_err));
        }).await;
        assert!(best < Duration::from_millis(60), "{best:?}");
        let best = quickest(async |round| {
            let policy = Policy::ttl(Duration::from_secs(60)).mutex();
            let load = || async {
                tokio::time::sleep(LOAD).await;
                Err::<u8, _>("no")
            };
            let call = |_| world.cache.get_or_load(key!("free:<round>"), policy, load);
            let results = join_all((0..CALLERS).map(call)).await;
            assert!(results.iter().all(Result::is_err));
        }).await;
        assert!(best < Duration::from_millis(60), "{best:?}");
    }

    async fn twenty_callers_of_a_panicking_load_of_20_ms_end_within_60_ms(world: World) {
        let users = Users::over(&world.cache);
        let best = quickest(async |round| {
            let mut callers = JoinSet::new();
            for _ in 0..CALLERS {
                let users = users.clone();
                callers.spawn(async move { users.panic_quickly(round).await });
            }
            while let Some(ended) = callers.join_next().await {
                assert!(ended.is_err_and(|error| error.is_panic()));
            }
        }).await;
        assert!(best < Duration::from_millis(60), "{best:?}");
    }
}
