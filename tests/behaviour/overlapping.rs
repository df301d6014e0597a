//! Batches that overlap, with each other and with calls for one id: every id is loaded once, and nobody waits for
//! somebody who waits for him.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{Cache, cached, key};
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::faulty::{Fault, Faulty};
use crate::gate::Gate;
use crate::patience::patient;
use crate::promises;
use crate::support::{Redis, eventually};

/// Far below the leases.
const LONG: Duration = Duration::from_secs(5);

#[derive(Debug, PartialEq)]
struct Refused;

type Found = Result<HashMap<u64, u64>, Refused>;

/// One process; the queries of all are noted, and stand still at the gate.
#[derive(Clone)]
struct Process {
    cache: Cache,
    queries: Arc<Mutex<Vec<Vec<u64>>>>,
    gate: Gate,
}

impl Process {
    fn over(cache: Cache) -> Self {
        Self { cache, queries: Arc::default(), gate: Gate::closed() }
    }

    fn other(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    fn asked(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.queries.lock().unwrap())
    }

    async fn query(&self, ids: &[u64]) {
        self.queries.lock().unwrap().push(ids.to_vec());
        self.gate.pass().await;
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn one(&self, id: u64) -> Result<u64, Refused> {
        self.query(&[id]).await;
        Ok(id)
    }

    #[cached(
        key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), each = id in ids, cache = self.cache.clone()
    )]
    async fn many(&self, ids: &[u64]) -> Found {
        self.query(ids).await;
        Ok(ids.iter().map(|id| (*id, *id)).collect())
    }

    #[cached(
        key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), each = id in ids, cache = self.cache.clone()
    )]
    async fn refused(&self, ids: &[u64]) -> Found {
        self.query(ids).await;
        Err(Refused)
    }

    #[cached(key = "free:<id>", ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn without_mutex(&self, ids: &[u64]) -> HashMap<u64, u64> {
        self.query(ids).await;
        ids.iter().map(|id| (*id, *id)).collect()
    }

    #[cached(
        key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), each = id in ids, cache = self.cache.clone()
    )]
    async fn one_by_one(&self, ids: &[u64]) -> Found {
        let mut found = HashMap::new();
        for id in ids {
            found.insert(*id, self.one(*id).await?);
        }
        Ok(found)
    }

    #[cached(
        key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), each = id in ids, cache = self.cache.clone()
    )]
    fn blocking(&self, ids: &[u64]) -> Found {
        self.queries.lock().unwrap().push(ids.to_vec());
        Ok(ids.iter().map(|id| (*id, *id)).collect())
    }

    fn spawn(&self, ids: &[u64]) -> JoinHandle<Found> {
        let (process, ids) = (self.clone(), ids.to_vec());
        tokio::spawn(async move { process.many(&ids).await })
    }

    /// Waits until so many keys are waited for, here or in the other process.
    async fn waits(&self, keys: u64) {
        eventually("nobody waits", async || self.cache.stats().total().lock_waits >= keys).await;
    }
}

async fn in_time<T>(call: JoinHandle<T>) -> T {
    timeout(LONG, call).await.expect("it waits on").unwrap()
}

fn found(ids: &[u64]) -> Found {
    Ok(ids.iter().map(|id| (*id, *id)).collect())
}

/// All ids of these queries.
fn sorted(queries: &[Vec<u64>]) -> Vec<u64> {
    let mut ids = queries.concat();
    ids.sort_unstable();
    ids
}

promises! {
    async fn overlapping_batches_load_each_id_once(world: World) {
        let first = Process::over(world.cache.clone());
        let second = first.other(world.other_process());
        let one = first.spawn(&[1, 2, 3, 4]);
        first.gate.entered(1).await;
        let two = second.spawn(&[6, 4, 5, 3]);
        // It loads what nobody else does, and only then waits.
        first.gate.entered(2).await;
        first.gate.open();
        assert_eq!(in_time(one).await, found(&[1, 2, 3, 4]));
        assert_eq!(in_time(two).await, found(&[3, 4, 5, 6]));
        assert_eq!(first.asked(), [vec![1, 2, 3, 4], vec![6, 5]]);
        assert_eq!(second.many(&[1, 2, 3, 4, 5, 6]).await, found(&[1, 2, 3, 4, 5, 6]));
        assert_eq!(first.asked(), Vec::<Vec<u64>>::new());
    }

    async fn a_batch_waits_for_the_load_of_a_single_value_and_the_other_way_round(world: World) {
        let first = Process::over(world.cache.clone());
        let second = first.other(world.other_process());
        let one = first.clone();
        let one = tokio::spawn(async move { one.one(1).await });
        first.gate.entered(1).await;
        let many = second.spawn(&[1, 2]);
        first.gate.entered(2).await;
        let (here, there) = (first.clone(), second.clone());
        let here = tokio::spawn(async move { here.one(2).await });
        let there = tokio::spawn(async move { there.one(2).await });
        tokio::task::yield_now().await;
        first.gate.open();
        assert_eq!((in_time(one).await, in_time(here).await, in_time(there).await), (Ok(1), Ok(2), Ok(2)));
        assert_eq!(in_time(many).await, found(&[1, 2]));
        assert_eq!(first.asked(), [[1], [2]]);
    }

    async fn where_the_other_load_fails_the_body_runs_once_more_for_its_ids(world: World) {
        let first = Process::over(world.cache.clone());
        let second = first.other(world.other_process());
        let failing = first.clone();
        let failing = tokio::spawn(async move { failing.refused(&[1, 2, 3]).await });
        first.gate.entered(1).await;
        let waiting = second.spawn(&[3, 4, 1]);
        first.gate.entered(2).await;
        first.gate.open();
        assert_eq!(in_time(failing).await, Err(Refused));
        assert_eq!(in_time(waiting).await, found(&[1, 3, 4]));
        let asked = first.asked();
        assert_eq!(asked[..2], [vec![1, 2, 3], vec![4]]);
        assert_eq!(sorted(&asked[2..]), [1, 3]);
    }

    async fn what_failed_together_is_loaded_together(world: World) {
        let first = Process::over(world.cache.clone());
        let second = first.other(world.other_process());
        let ids: Vec<u64> = (0..40).collect();
        let (failing, all) = (first.clone(), ids.clone());
        let failing = tokio::spawn(async move { failing.refused(&all).await });
        first.gate.entered(1).await;
        let waiting = second.spawn(&ids);
        if world.redis.is_some() {
            second.waits(40).await;
        }
        first.gate.open();
        assert_eq!(in_time(failing).await, Err(Refused));
        assert_eq!(in_time(waiting).await, found(&ids));
        let asked = first.asked();
        assert_eq!(sorted(&asked[1..]), ids);
        // One, but for the processor's turns.
        assert!(asked[1..].len() <= 5, "{asked:?}");
    }

    async fn a_batch_that_fails_leaves_nothing_locked(world: World) {
        let process = Process::over(world.cache.clone());
        process.gate.open();
        let ids = [1, 2, 3];
        assert_eq!(process.refused(&ids).await, Err(Refused));
        let elsewhere = process.other(world.other_process());
        assert_eq!(in_time(elsewhere.spawn(&ids)).await, found(&ids));
        let asked = process.asked();
        assert_eq!((&asked[0][..], &sorted(&asked[1..])[..]), (&ids[..], &ids[..]));
        let stats = world.cache.stats().total();
        assert!(stats.failures == 1, "one body failed: {stats:?}");
    }

    async fn when_a_batch_is_dropped_another_takes_over_at_once(world: World) {
        let first = Process::over(world.cache.clone());
        let second = first.other(world.other_process());
        let dropped = first.spawn(&[1, 2, 3]);
        first.gate.entered(1).await;
        let mut waiting = Box::pin(second.many(&[3, 2, 1]));
        assert!((&mut waiting).now_or_never().is_none());
        dropped.abort();
        assert!(dropped.await.unwrap_err().is_cancelled());
        first.gate.open();
        assert_eq!(timeout(LONG, waiting).await.expect("a dropped batch left a lease"), found(&[1, 2, 3]));
    }

    async fn many_batches_in_every_order_end_soon_and_load_each_id_once(world: World) {
        let processes = [world.cache.clone(), world.other_process()].map(Process::over);
        for round in 0..50 {
            let ids: Vec<u64> = (0..6).map(|id| round * 10 + id).collect();
            let mut calls = Vec::new();
            for turn in 0..6 {
                let mut asked = ids.clone();
                asked.rotate_left(turn);
                asked.truncate(4);
                if turn % 2 == 0 {
                    asked.reverse();
                }
                let process = &processes[turn % 2];
                process.gate.open();
                calls.push((process.spawn(&asked), asked));
            }
            for (call, asked) in calls {
                assert_eq!(in_time(call).await, found(&asked));
            }
            let loaded = [processes[0].asked(), processes[1].asked()].concat();
            assert_eq!(sorted(&loaded), ids, "round {round}");
        }
    }

    async fn a_body_that_asks_for_its_ids_one_by_one_waits_for_nobody(world: World) {
        let process = Process::over(world.cache.clone());
        process.gate.open();
        let reader = process.clone();
        let call = tokio::spawn(async move { reader.one_by_one(&[1, 2, 3]).await });
        assert_eq!(in_time(call).await, found(&[1, 2, 3]));
        assert_eq!(process.asked(), [[1], [2], [3]]);
        assert_eq!(process.many(&[3, 2, 1]).await, found(&[1, 2, 3]));
        assert_eq!(process.asked(), Vec::<Vec<u64>>::new());
    }

    async fn a_blocking_batch_waits_for_what_others_load_and_not_on_a_thread_that_they_need(world: World) {
        let process = Process::over(world.cache.clone());
        let loading = process.spawn(&[1, 2]);
        process.gate.entered(1).await;
        let on_this_thread = process.clone();
        // On a thread of the runtime: what waits for a task of this runtime could wait for itself.
        let blocking = tokio::spawn(async move { on_this_thread.blocking(&[2, 3]) });
        assert_eq!(in_time(blocking).await, found(&[2, 3]));
        let elsewhere = process.clone();
        let thread = std::thread::spawn(move || elsewhere.blocking(&[1, 4]));
        eventually("the blocking batch does not begin", async || process.queries.lock().unwrap().len() == 4).await;
        process.gate.open();
        assert_eq!(in_time(loading).await, found(&[1, 2]));
        let joined = tokio::task::spawn_blocking(move || thread.join().unwrap());
        assert_eq!(in_time(joined).await, found(&[1, 4]));
        assert_eq!(process.asked(), [vec![1, 2], vec![3], vec![2], vec![4]]);
    }
}

/// The first holds 1 and waits for 2; the second holds 2 and waits for 1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_overlap_crosswise_load_their_own_and_never_wait_for_each_other() {
    let redis = Redis::start();
    let news = Arc::new(Semaphore::new(0));
    let late = redis.builder().timeout(LONG).wrap_store(Faulty::wrap(Fault::HearsLate(Arc::clone(&news))));
    let first = Process::over(late.build().unwrap());
    let second = first.other(patient(&redis));
    let third = Process::over(patient(&redis));
    let holds_two = third.clone();
    let holds_two = tokio::spawn(async move { holds_two.one(2).await });
    third.gate.entered(1).await;
    let one = first.spawn(&[1, 2]);
    first.gate.entered(1).await;
    first.waits(1).await;
    // The first does not hear of it.
    holds_two.abort();
    assert!(holds_two.await.unwrap_err().is_cancelled());
    eventually("the lease is not given back", async || !redis.command::<bool>(&["EXISTS", "test:user:2"])).await;
    let two = second.spawn(&[2, 1]);
    first.gate.entered(2).await;
    second.waits(1).await;
    news.add_permits(100);
    first.gate.open();
    assert_eq!(in_time(one).await, found(&[1, 2]));
    assert_eq!(in_time(two).await, found(&[1, 2]));
    assert_eq!(first.asked(), [[1], [2]]);
    let key = 2;
    assert_eq!(third.cache.get(&key!("user:<key>")).await, Some(2_u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_mutex_a_batch_of_another_process_is_not_waited_for() {
    let redis = Redis::start();
    let (first, second) = (Process::over(patient(&redis)), Process::over(patient(&redis)));
    second.gate.open();
    let standing = first.clone();
    let standing = tokio::spawn(async move { standing.without_mutex(&[1, 2]).await });
    first.gate.entered(1).await;
    let reader = second.clone();
    let reader = tokio::spawn(async move { reader.without_mutex(&[2, 3]).await });
    assert_eq!(Ok(in_time(reader).await), found(&[2, 3]));
    first.gate.open();
    assert_eq!(Ok(in_time(standing).await), found(&[1, 2]));
    assert_eq!(Ok(second.without_mutex(&[1, 2, 3]).await), found(&[1, 2, 3]));
    assert_eq!((first.asked().concat(), second.asked().concat().len()), (vec![1, 2], 2));
    // Each stores what it has the lease for.
    assert_eq!([first, second].map(|process| process.cache.stats().total().stores), [2, 1]);
}

struct Families {
    cache: Cache,
    parent: Gate,
    body: Gate,
}

impl Families {
    // The waits are long, so that whoever waits for itself fails the test.
    #[cached(key = "member:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn member(&self, id: u64) -> Result<u64, String> {
        self.parent.pass().await;
        Ok(id)
    }

    #[cached(key = "member:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), each = id in ids, cache = self.cache.clone())]
    async fn members(&self, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
        if ids.contains(&1) {
            self.body.pass().await;
            self.member(2).await?;
        }
        Ok(ids.iter().map(|id| (*id, *id)).collect())
    }
}

promises! {
    async fn a_body_that_loads_an_id_which_its_own_batch_has_taken_on_does_not_wait_for_itself(world: World) {
        let families = Families { cache: world.cache.clone(), parent: Gate::closed(), body: Gate::closed() };
        let mut elsewhere = Box::pin(families.member(2));
        let first = tokio::select! {
            found = &mut elsewhere => Some(found),
            () = eventually("the load elsewhere", async || families.parent.loads() == 1) => None,
        };
        assert_eq!(first, None);
        let batch = families.members(&[1, 2]);
        let (found, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), batch), async {
            eventually("the body for the first id", async || families.body.loads() == 1).await;
            drop(elsewhere);
            // One of the load elsewhere, and two of the batch.
            eventually("the batch has taken on the second", async || families.cache.stats().total().misses >= 3).await;
            families.parent.open();
            families.body.open();
        });
        let found = found.expect("it waited for itself");
        assert_eq!(found, Ok(HashMap::from([(1, 1), (2, 2)])));
    }
}
