//! Blocking functions keep the same promises, on plain threads as on a runtime's.

use std::thread;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached, key};

use crate::gate::Gate;
use crate::promises;
use crate::support::{Count, eventually};

const CALLERS: usize = 20;
const LOAD: Duration = Duration::from_millis(20);

#[derive(Debug, PartialEq)]
struct Refused;

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

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    fn find(&self, id: u64) -> Result<u64, Refused> {
        let load = self.loads.add();
        futures_util::future::FutureExt::now_or_never(self.gate.pass());
        thread::sleep(LOAD);
        Ok(load)
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find_asynchronously(&self, id: u64) -> Result<u64, Refused> {
        let load = self.loads.add();
        self.gate.pass().await;
        Ok(load)
    }

    #[cached(key = "refused:<round>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    fn refuse(&self, round: u64) -> Result<u64, Refused> {
        self.loads.add();
        thread::sleep(LOAD);
        Err(Refused)
    }

    #[cached(key = "panic:<round>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    fn panic(&self, round: u64) -> Option<u64> {
        self.loads.add();
        thread::sleep(LOAD);
        // Prints nothing, unlike `panic!`.
        std::panic::resume_unwind(Box::new("as it should"))
    }
}

/// Calls from as many plain threads at once.
fn from_threads<T: Send>(users: &Users, call: impl Fn(&Users) -> T + Sync) -> Vec<thread::Result<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| call(users))).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    })
}

/// The quickest of several rounds: another program's turn on the processor is no convoy.
fn quickest(round: impl Fn(u64)) -> Duration {
    let timed = |number| {
        let began = Instant::now();
        round(number);
        began.elapsed()
    };
    (0..8).map(timed).min().expect("several rounds")
}

promises! {
    async fn blocking_callers_share_one_load(world: World) {
        let users = Users::over(&world.cache);
        let found = from_threads(&users, |users| users.find(1));
        assert!(found.into_iter().all(|found| found.unwrap() == Ok(1)));
        assert_eq!(users.loads.get(), 1);
        assert_eq!(users.find_asynchronously(1).await, Ok(1), "what a blocking function stored");
    }

    async fn a_blocking_call_on_a_plain_thread_shares_the_load_of_a_task(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.find_asynchronously(1).await });
        users.gate.entered(1).await;
        let (follower, began) = (users.clone(), Instant::now());
        let follower = thread::spawn(move || follower.find(1));
        // It joins unseen; a load of its own would take this long and be counted.
        eventually("time passes", async || began.elapsed() > 3 * LOAD).await;
        users.gate.open();
        assert_eq!(leader.await.unwrap(), Ok(1));
        assert_eq!(follower.join().unwrap(), Ok(1));
        assert_eq!(users.loads.get(), 1);
    }

    async fn a_task_shares_the_load_of_a_blocking_call(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = thread::spawn(move || leader.find(1));
        users.gate.entered(1).await;
        assert_eq!(users.find_asynchronously(1).await, Ok(1));
        assert_eq!(leader.join().unwrap(), Ok(1));
        assert_eq!(users.loads.get(), 1);
    }

    async fn a_failing_blocking_load_is_no_convoy(world: World) {
        let users = Users::over(&world.cache);
        let best = quickest(|round| {
            let refused = from_threads(&users, |users| users.refuse(round));
            assert!(refused.into_iter().all(|refused| refused.unwrap() == Err(Refused)));
        });
        assert!(best < Duration::from_millis(100), "{best:?}");
    }

    async fn a_panicking_blocking_load_is_no_convoy_and_leaves_nothing_locked(world: World) {
        let users = Users::over(&world.cache);
        let best = quickest(|round| {
            assert!(from_threads(&users, |users| users.panic(round)).iter().all(Result::is_err));
        });
        assert!(best < Duration::from_millis(100), "{best:?}");
        let began = Instant::now();
        let load = || async { Ok::<_, ()>(Some(7_u64)) };
        world.cache.get_or_load(key!("panic:0"), Duration::from_secs(60), load).await.unwrap();
        assert_eq!(world.cache.get::<u64>(&key!("panic:0")).await, Some(7), "a panic left a lease");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
