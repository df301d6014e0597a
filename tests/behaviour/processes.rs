//! Several processes over one Redis: here, caches that know of each other only what Redis says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached, key};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::faulty::{Fault, Faulty};
use crate::gate::Gate;
use crate::patience::patient;
use crate::support::{Count, Redis, eventually};

const LONG: Duration = Duration::from_secs(5);
const LOAD: Duration = Duration::from_millis(50);
const CALLERS: usize = 20;

#[derive(Debug, PartialEq)]
struct Refused;

/// One process's repository; the table, its counter and its gate are shared.
#[derive(Clone)]
struct Users {
    cache: Cache,
    loads: Count,
    /// Loads of this process.
    own: Count,
    gate: Gate,
    /// How long some loads take when nothing holds them up.
    takes: Duration,
}

impl Users {
    fn processes(redis: &Redis, number: usize) -> Vec<Self> {
        let (loads, gate) = (Count::default(), Gate::closed());
        let process = |_| Self {
            cache: patient(redis),
            loads: loads.clone(),
            own: Count::default(),
            gate: gate.clone(),
            takes: Duration::ZERO,
        };
        (0..number).map(process).collect()
    }

    fn count(&self) -> u64 {
        self.own.add();
        self.loads.add()
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find(&self, id: u64) -> Result<u64, Refused> {
        let load = self.count();
        self.gate.pass().await;
        Ok(load)
    }

    #[cached(key = "user:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: u64) -> Result<u64, Refused> {
        let load = self.count();
        self.gate.pass().await;
        tokio::time::sleep(self.takes).await;
        Ok(load)
    }

    #[cached(key = "panic:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn panic_at_first(&self, id: u64) -> Result<u64, Refused> {
        let load = self.count();
        self.gate.pass().await;
        if load == 1 {
            std::panic::resume_unwind(Box::new("as it should"));
        }
        Ok(load)
    }

    #[cached(key = "turn:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn refuse_in_turn(&self, id: u64) -> Result<u64, Refused> {
        self.gate.pass().await;
        Err(Refused)
    }

    #[cached(key = "absent:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn absent(&self, id: u64) -> Result<Option<u64>, Refused> {
        self.count();
        self.gate.pass().await;
        Ok(None)
    }

    #[cached(
        key = "few:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), unless = |_| true,
        cache = self.cache.clone()
    )]
    async fn unstored(&self, id: u64) -> Result<u64, Refused> {
        self.count();
        self.gate.pass().await;
        Ok(id)
    }

    #[cached(key = "failing:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn refuse(&self, id: u64) -> Result<u64, Refused> {
        self.count();
        tokio::time::sleep(LOAD).await;
        Err(Refused)
    }

    #[cached(key = "cloned:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn fail(&self, id: u64) -> Result<u64, String> {
        self.count();
        self.gate.pass().await;
        Err("no".to_owned())
    }

    async fn waits(&self) {
        eventually("nobody waits for the other process", async || self.cache.stats().total().lock_waits > 0).await;
    }
}

/// One call leads, another waits for it in each other process, and twenty more join those in each. Then the load ends,
/// and as many more as there are may run. Returns what all got, and how often each process loaded.
async fn all_joined<T, F>(redis: &Redis, processes: &[Users], call: impl Fn(Users) -> F) -> (Vec<T>, Vec<u64>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let gate = &processes[0].gate;
    let mut first = vec![tokio::spawn(call(processes[0].clone()))];
    gate.entered(1).await;
    for users in &processes[1..] {
        first.push(tokio::spawn(call(users.clone())));
        users.waits().await;
    }
    // Each has seen the lease and told Redis to be told: what it reads next, it reads for all who have joined by then.
    let watching = format!("tracking_total_items:{}\r\n", processes.len() - 1);
    eventually("the processes do not watch the key", async || {
        redis.command::<String>(&["INFO", "stats"]).contains(&watching)
    })
    .await;
    let joining = processes.iter().flat_map(|users| std::iter::repeat_n(users, CALLERS));
    let mut joined: Vec<_> = joining.map(|users| Box::pin(call(users.clone()))).collect();
    assert!(joined.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
    gate.open();
    let mut results = timeout(LONG, join_all(joined)).await.expect("somebody waits on");
    for call in first {
        results.push(timeout(LONG, call).await.expect("somebody waits on").unwrap());
    }
    (results, processes.iter().map(|users| users.own.get()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_mutex_all_processes_share_one_load() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 4);
    let mut callers = JoinSet::new();
    for users in &processes {
        for _ in 0..50 {
            let users = users.clone();
            callers.spawn(async move { users.find(1).await });
        }
    }
    let waiting = async || {
        let waits = processes.iter().filter(|users| users.cache.stats().total().lock_waits > 0);
        waits.count() == 3
    };
    eventually("three processes wait for the fourth", waiting).await;
    processes[0].gate.open();
    for found in timeout(LONG, callers.join_all()).await.expect("somebody waits on") {
        assert_eq!(found, Ok(1));
    }
    assert_eq!(processes[0].loads.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_mutex_no_process_waits_for_another_and_none_loads_more_than_twice() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 2);
    let (first, mut second) = (processes[0].clone(), processes[1].clone());
    second.gate = Gate::closed();
    // Time for twenty replies.
    second.takes = Duration::from_millis(300);
    let call = |users: &Users| {
        let users = users.clone();
        Box::pin(async move { users.find_without_mutex(1).await })
    };
    let holds_the_lease = tokio::spawn(call(&first));
    first.gate.entered(1).await;
    let holds_none = tokio::spawn(call(&second));
    second.gate.entered(1).await;
    let mut joined: Vec<_> = (0..CALLERS).map(|_| call(&first)).collect();
    let mut joined_second: Vec<_> = (0..CALLERS).map(|_| call(&second)).collect();
    let all_joined = joined.iter_mut().chain(&mut joined_second).all(|call| call.now_or_never().is_none());
    assert!(all_joined, "it joined no load");
    // Whoever joined a load that holds no lease came after it began: one more load, and that for all of them.
    second.gate.open();
    assert_eq!(holds_none.await.unwrap(), Ok(2));
    let joined_second = timeout(LONG, join_all(joined_second)).await.expect("they wait on");
    assert!(joined_second.iter().all(|found| *found == Ok(3)), "{joined_second:?}");
    first.gate.open();
    assert_eq!(holds_the_lease.await.unwrap(), Ok(1));
    let joined = timeout(LONG, join_all(joined)).await.expect("they wait on");
    assert!(joined.iter().all(|found| *found == Ok(1)), "{joined:?}");
    // Only the lease holder has stored anything.
    for users in [&first, &second] {
        assert_eq!(users.find_without_mutex(1).await, Ok(1), "not what the lease holder loaded");
    }
    assert_eq!((first.own.get(), second.own.get()), (1, 2));
    assert_eq!((first.cache.stats().total().stores, second.cache.stats().total().stores), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_loading_call_is_dropped_another_process_takes_over_at_once() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 2);
    let (first, second) = (processes[0].clone(), processes[1].clone());
    let leader = tokio::spawn(async move { first.find(1).await });
    processes[0].gate.entered(1).await;
    let waiting = tokio::spawn(async move { join_all((0..CALLERS).map(|_| second.find(1))).await });
    processes[1].waits().await;
    leader.abort();
    timeout(LONG, processes[0].gate.entered(2)).await.expect("the lease was not given back");
    processes[0].gate.open();
    assert!(waiting.await.unwrap().iter().all(|found| *found == Ok(2)));
    assert_eq!(processes[0].loads.get(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_loading_call_panics_another_process_loads_at_once() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 2);
    let (first, second) = (processes[0].clone(), processes[1].clone());
    let leader = tokio::spawn(async move { first.panic_at_first(1).await });
    processes[0].gate.entered(1).await;
    let waiting = tokio::spawn(async move { join_all((0..CALLERS).map(|_| second.panic_at_first(1))).await });
    processes[1].waits().await;
    processes[0].gate.open();
    assert!(leader.await.unwrap_err().is_panic());
    let waiting = timeout(LONG, waiting).await.expect("a panic left a lease").unwrap();
    assert!(waiting.iter().all(|found| *found == Ok(2)), "{waiting:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_cannot_be_shared_is_no_convoy_across_processes() {
    for number in [2, 4] {
        let redis = Redis::start();
        let processes = Users::processes(&redis, number);
        for users in &processes {
            // So that no round times the first connection.
            users.cache.get::<u8>(&key!("warm")).await;
        }
        // The quickest of several rounds: another program's turn on the processor is no convoy.
        let mut best = Duration::MAX;
        for round in 0..6 {
            let began = Instant::now();
            let mut callers = JoinSet::new();
            for users in processes.iter().flat_map(|users| std::iter::repeat_n(users, CALLERS)) {
                let users = users.clone();
                callers.spawn(async move { users.refuse(round).await });
            }
            assert!(callers.join_all().await.iter().all(Result::is_err));
            best = best.min(began.elapsed());
        }
        // One load is waited for, one is the process's own, the third its callers' own. In a convoy: 40 or 80.
        assert!(best < LOAD * 4, "{number} processes: {best:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_can_be_cloned_costs_each_process_one_load() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 4);
    let (results, loads) = all_joined(&redis, &processes, |users| async move { users.fail(1).await }).await;
    assert!(results.iter().all(|result| *result == Err("no".to_owned())), "{results:?}");
    assert_eq!(loads, [1; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_none_that_is_not_cached_is_adopted_by_the_processes_that_waited_for_it() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 4);
    let (results, loads) = all_joined(&redis, &processes, |users| async move { users.absent(1).await }).await;
    assert!(results.iter().all(|result| *result == Ok(None)), "{results:?}");
    assert_eq!(loads, [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_not_stored_costs_each_process_one_load() {
    let redis = Redis::start();
    let processes = Users::processes(&redis, 4);
    let (results, loads) = all_joined(&redis, &processes, |users| async move { users.unstored(1).await }).await;
    assert!(results.iter().all(|result| *result == Ok(1)), "{results:?}");
    assert_eq!(loads, [1; 4]);
}

/// A process that hears late of the end of a load finds the next one running. It has waited enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waited_for_a_failed_load_never_waits_for_the_one_after_it() {
    let redis = Redis::start();
    let mut processes = Users::processes(&redis, 3);
    let news = Arc::new(Semaphore::new(0));
    let late =
        redis.builder().timeout(LONG).wrap_store(Faulty::wrap(Fault::HearsLate(Arc::clone(&news)))).build().unwrap();
    processes[2].cache = late;
    let call = |process: usize| {
        let users = processes[process].clone();
        tokio::spawn(async move { users.refuse_in_turn(1).await })
    };
    let first = call(0);
    processes[0].gate.entered(1).await;
    let (second, third) = (call(1), call(2));
    processes[1].waits().await;
    processes[2].waits().await;
    processes[0].gate.let_one_on();
    assert_eq!(timeout(LONG, first).await.unwrap().unwrap(), Err(Refused));
    processes[0].gate.entered(2).await;
    news.add_permits(1);
    // While the second load stands still.
    processes[0].gate.entered(3).await;
    processes[0].gate.open();
    assert_eq!(timeout(LONG, second).await.unwrap().unwrap(), Err(Refused));
    assert_eq!(timeout(LONG, third).await.unwrap().unwrap(), Err(Refused));
}
