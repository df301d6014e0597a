//! `ReadThrough`: the cache owns the loader, and promises what an annotated function does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{Cache, CacheKey, CacheSchema, Codec, Policy, ReadThrough, cached, key};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::cost::reads;
use crate::gate::Gate;
use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis, eventually};

pub const MINUTE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    /// Which query it was.
    pub load: usize,
}

#[derive(CacheKey, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cache_key("user:<id>", value = User)]
pub struct UserKey {
    pub id: u64,
}

impl From<u64> for UserKey {
    fn from(id: u64) -> Self {
        Self { id }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refused;

pub type Users = ReadThrough<UserKey, Refused>;

/// Every seventh id has no row.
#[derive(Clone)]
pub struct Table {
    pub cache: Cache,
    queries: Arc<Mutex<Vec<Vec<u64>>>>,
    refuses: Arc<AtomicBool>,
    pub gate: Gate,
}

impl Table {
    pub fn over(cache: &Cache) -> Self {
        let gate = Gate::closed();
        gate.open();
        Self { gate, ..Self::standing_still(cache) }
    }

    /// Its queries wait to be let on.
    pub fn standing_still(cache: &Cache) -> Self {
        Self { cache: cache.clone(), queries: Arc::default(), refuses: Arc::default(), gate: Gate::closed() }
    }

    async fn query(self, ids: Vec<u64>) -> Result<Vec<Option<User>>, Refused> {
        let load = {
            let mut queries = self.queries.lock().unwrap();
            queries.push(ids.clone());
            queries.len()
        };
        self.gate.pass().await;
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Refused);
        }
        Ok(ids.into_iter().map(|id| (id % 7 != 0).then_some(User { id, load })).collect())
    }

    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// The queries since the last look.
    pub fn asked(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.queries.lock().unwrap())
    }

    pub fn users(&self, policy: Policy) -> Users {
        let table = self.clone();
        ReadThrough::new(&self.cache, policy, move |UserKey { id }| {
            let table = table.clone();
            async move { Ok(table.query(vec![id]).await?.pop().flatten()) }
        })
    }

    pub fn batches(&self, policy: Policy) -> Users {
        let table = self.clone();
        ReadThrough::batched(&self.cache, policy, move |keys: Vec<UserKey>| {
            let table = table.clone();
            async move {
                let found = table.query(keys.into_iter().map(|key| key.id).collect()).await?;
                Ok(found.into_iter().flatten().map(|user| (UserKey { id: user.id }, user)).collect())
            }
        })
    }

    #[cached(key = UserKey { id }, ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, id: u64) -> Result<Option<User>, Refused> {
        Ok(self.clone().query(vec![id]).await?.pop().flatten())
    }

    #[cached(key = UserKey { id: *id }, ttl = 60, mutex, each = id in ids, cache = self.cache.clone())]
    async fn find_all(&self, ids: &[u64]) -> Result<Vec<Option<User>>, Refused> {
        self.clone().query(ids.to_vec()).await
    }
}

fn once() -> Policy {
    Policy::ttl(MINUTE).mutex()
}

pub fn sorted(mut ids: Vec<u64>) -> Vec<u64> {
    ids.sort_unstable();
    ids
}

/// Which ids were found, and by which query.
fn loads(found: &HashMap<UserKey, User>) -> Vec<(u64, usize)> {
    let mut loads: Vec<_> = found.iter().map(|(key, user)| (key.id, user.load)).collect();
    loads.sort_unstable();
    loads
}

promises! {
    async fn what_is_not_there_is_loaded_and_what_is_there_is_not(world: World) {
        let table = Table::over(&world.cache);
        for users in [table.users(once()), table.batches(once())] {
            let first = users.get(&1).await.unwrap();
            assert_eq!(first, Some(User { id: 1, load: 1 }));
            assert_eq!(users.get(&UserKey { id: 1 }).await, Ok(first), "by its key as by what the key is from");
            assert_eq!(users.get(&7).await, Ok(None));
            assert_eq!(users.get(&7).await, Ok(None));
            assert_eq!(table.asked(), [vec![1], vec![7], vec![7]], "an absence is not stored without `none_ttl`");
            users.invalidate(&1).await.unwrap();
        }
        let users = table.users(once().none_ttl(MINUTE));
        assert_eq!((users.get(&14).await, users.get(&14).await), (Ok(None), Ok(None)));
        assert_eq!(table.asked(), [vec![14]]);
    }

    async fn a_hundred_callers_of_a_cold_key_share_one_load(world: World) {
        let table = Table::standing_still(&world.cache);
        let users = table.users(once());
        let (found, ()) = tokio::join!(join_all((0..100).map(|_| users.get(&1))), async {
            table.gate.entered(1).await;
            table.gate.open();
        });
        assert!(found.iter().all(|found| *found == Ok(Some(User { id: 1, load: 1 }))), "{found:?}");
        assert_eq!(table.asked(), [vec![1]]);
        let stats = world.cache.stats();
        let row = stats.function("UserKey").expect("a row of its own");
        // Who is late to the load has a hit.
        assert_eq!((row.template, row.loads, row.coalesced + row.hits), ("user:<id>", 1, 99));
        assert!(row.file.ends_with("read_through.rs") && row.line > 0, "{row:?}");
    }

    async fn many_ids_are_one_call_of_the_loader_for_those_that_are_missing(world: World) {
        let table = Table::over(&world.cache);
        let users = table.batches(once());
        assert_eq!(loads(&users.get_many(&[2_u64, 4]).await.unwrap()), [(2, 1), (4, 1)]);
        let found = users.get_many(&[1_u64, 2, 3, 4, 7, 3]).await.unwrap();
        assert_eq!(loads(&found), [(1, 2), (2, 1), (3, 2), (4, 1)]);
        let asked: Vec<_> = table.asked().into_iter().map(sorted).collect();
        assert_eq!(asked, [vec![2, 4], vec![1, 3, 7]], "each id once");
        assert!(users.get_many::<u64>(&[]).await.unwrap().is_empty());
    }

    async fn many_ids_without_a_loader_for_many_are_loaded_one_by_one_so_many_at_a_time(world: World) {
        let table = Table::standing_still(&world.cache);
        let users = table.users(once()).at_once(3);
        let all = tokio::spawn({
            let users = users.clone();
            async move { users.get_many(&(1..=20).collect::<Vec<u64>>()).await }
        });
        for begun in 3..=20 {
            table.gate.entered(begun).await;
            // All who could have begun have asked by now, or never will: only one that ends lets another begin.
            assert_eq!(table.gate.loads(), begun);
            table.gate.let_one_on();
        }
        table.gate.open();
        let found = all.await.unwrap().unwrap();
        assert_eq!(found.len(), 18, "7 and 14 have no row");
        assert_eq!(sorted(table.asked().concat()), (1..=20).collect::<Vec<_>>());
    }

    async fn entries_are_those_of_functions_with_that_key(world: World) {
        let table = Table::over(&world.cache);
        let (users, batches) = (table.users(once()), table.batches(once()));
        let from_function = table.find(1).await;
        assert_eq!(users.get(&1).await, from_function);
        let from_users = users.get(&2).await;
        assert_eq!(table.find(2).await, from_users);
        let found = batches.get_many(&[1_u64, 2, 3]).await.unwrap();
        assert_eq!(loads(&found), [(1, 1), (2, 2), (3, 3)]);
        let found = table.find_all(&[3, 2, 1, 4]).await.unwrap();
        assert_eq!(found.into_iter().flatten().map(|user| user.load).collect::<Vec<_>>(), [3, 2, 1, 4]);
        assert_eq!(loads(&batches.get_many(&[4_u64]).await.unwrap()), [(4, 4)]);
        assert_eq!(world.cache.get(&UserKey { id: 4 }).await, Some(User { id: 4, load: 4 }));
        assert_eq!(table.asked().concat(), [1, 2, 3, 4]);
    }

    async fn a_function_and_a_read_through_share_a_load_that_runs(world: World) {
        let table = Table::standing_still(&world.cache);
        let users = table.users(once());
        let (get, find) = (users.get(&1), table.find(1));
        let (got, found, ()) = tokio::join!(get, find, async {
            table.gate.entered(1).await;
            table.gate.open();
        });
        assert_eq!(got, found);
        assert_eq!(table.asked(), [vec![1]]);
    }

    async fn what_is_put_is_got_and_what_is_invalidated_is_loaded_anew(world: World) {
        let table = Table::over(&world.cache);
        for (users, id) in [(table.users(once()), 1), (table.batches(once()), 2)] {
            let put = User { id, load: 99 };
            users.put(&id, &put).await.unwrap();
            assert_eq!(users.get(&id).await, Ok(Some(put.clone())));
            assert_eq!(users.get_many(&[id]).await.unwrap()[&UserKey { id }], put);
            assert_eq!(table.find(id).await, Ok(Some(put)));
            assert_eq!(table.asked(), Vec::<Vec<u64>>::new());
            users.invalidate(&UserKey { id }).await.unwrap();
            assert_eq!(users.get(&id).await, Ok(Some(User { id, load: 1 })));
            table.asked();
            let other = world.other_process();
            other.invalidate(&UserKey { id }).await.unwrap();
            assert_eq!(loads(&users.get_many(&[id]).await.unwrap()), [(id, 1)]);
            table.asked();
        }
    }

    async fn an_error_is_the_loaders_own_and_nothing_is_stored(world: World) {
        let table = Table::over(&world.cache);
        for users in [table.users(once()), table.batches(once())] {
            table.refuse(true);
            assert_eq!(users.get(&1).await, Err(Refused));
            assert_eq!(users.get_many(&[1_u64, 2]).await, Err(Refused));
            table.refuse(false);
            assert!(users.get(&1).await.is_ok_and(|user| user.is_some()));
            assert_eq!(users.get_many(&[1_u64, 2]).await.unwrap().len(), 2);
            for id in [1_u64, 2] {
                users.invalidate(&id).await.unwrap();
            }
        }
    }

    async fn a_load_that_is_given_up_leaves_nothing_locked(world: World) {
        let table = Table::standing_still(&world.cache);
        for users in [table.users(once()), table.batches(once())] {
            let begun = table.gate.loads();
            tokio::select! {
                _ = users.get_many(&[1_u64, 2]) => panic!("it stands still"),
                () = table.gate.entered(begun + 1) => {}
            }
        }
        table.gate.open();
        let users = table.users(once());
        assert_eq!(timeout(LONG, users.get_many(&[1_u64, 2])).await.expect("at once").unwrap().len(), 2);
    }

    async fn a_loader_that_asks_for_its_own_key_does_not_wait_for_itself(world: World) {
        type Sums = ReadThrough<Sum, Refused>;
        #[derive(CacheKey, Clone, PartialEq, Eq, Hash)]
        #[cache_key("sum:<to>", value = u64)]
        struct Sum {
            to: u64,
        }
        let sums: Arc<Mutex<Option<Sums>>> = Arc::default();
        let (again, loads) = (Arc::clone(&sums), Count::default());
        let sum = ReadThrough::new(&world.cache, once(), move |Sum { to }| {
            let again = again.lock().unwrap().clone().expect("it is made");
            let depth = loads.add();
            async move { if depth > 3 { Ok(Some(to)) } else { again.get(&Sum { to }).await } }
        });
        *sums.lock().unwrap() = Some(sum.clone());
        assert_eq!(timeout(LONG, sum.get(&Sum { to: 4 })).await.expect("at once"), Ok(Some(4)));
        *sums.lock().unwrap() = None;
    }

    async fn in_a_transaction_it_reads_past_the_cache(world: World) {
        let table = Table::over(&world.cache);
        let users = table.users(once());
        users.get(&1).await.unwrap();
        let scope = world.cache.transaction();
        assert_eq!(users.get(&1).await, Ok(Some(User { id: 1, load: 2 })));
        users.invalidate(&1).await.unwrap();
        scope.commit().await.unwrap();
        assert_eq!(users.get(&1).await, Ok(Some(User { id: 1, load: 3 })));
    }

    async fn with_local_a_hit_asks_nobody(world: World) {
        let table = Table::over(&world.cache);
        for users in [table.users(once()).local(MINUTE), table.batches(once()).local(MINUTE)] {
            let kept = world.cache.stats().total().hits_local;
            users.get(&1).await.unwrap();
            // What was loaded is kept when it is first found.
            eventually("it is kept in this process", async || {
                users.get(&1).await.unwrap();
                world.cache.stats().total().hits_local > kept
            }).await;
            let before = world.cache.stats().total();
            assert_eq!(users.get_many(&[1_u64]).await.unwrap().len(), 1);
            let after = world.cache.stats().total();
            assert_eq!((after.hits_local - before.hits_local, after.loads - before.loads), (1, 0), "{after:?}");
            users.invalidate(&1).await.unwrap();
            table.asked();
            users.get(&1).await.unwrap();
            assert_eq!(table.asked(), [vec![1]], "gone from this process too");
            users.invalidate(&1).await.unwrap();
        }
    }
}

fn feed() -> Policy {
    Policy::ttl(Duration::from_secs(1)).stale(Duration::from_secs(3600)).jitter(0.0).no_early()
}

/// Whatever can go on without time passing has done so: a paused clock goes on when nothing else does.
async fn settled() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_served_at_once_and_loaded_anew_meanwhile() {
    let table = Table::over(&Cache::in_memory());
    for (users, id) in [(table.users(feed()), 1), (table.batches(feed()), 2)] {
        users.get(&id).await.unwrap();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(users.get(&id).await, Ok(Some(User { id, load: 1 })), "nobody waits");
        settled().await;
        assert_eq!(users.get(&id).await, Ok(Some(User { id, load: 2 })));
        assert_eq!(table.asked(), [vec![id], vec![id]]);
    }
}

#[tokio::test(start_paused = true)]
async fn many_are_served_at_once_and_those_that_are_due_loaded_anew_meanwhile() {
    let table = Table::over(&Cache::in_memory());
    let users = table.batches(feed());
    users.get_many(&[1_u64, 2]).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let found = users.get_many(&[1_u64, 2, 3]).await.unwrap();
    assert_eq!(loads(&found), [(1, 1), (2, 1), (3, 2)], "the old ones, and one that was not there");
    settled().await;
    assert_eq!(sorted(table.asked().concat()), [1, 1, 2, 2, 3]);
    let found = users.get_many(&[1_u64, 2, 3]).await.unwrap();
    assert!(found.values().all(|user| user.load >= 2), "{found:?}");
    settled().await;
    assert_eq!(table.asked(), Vec::<Vec<u64>>::new(), "they are fresh");
}

#[tokio::test(start_paused = true)]
async fn while_the_loader_fails_what_is_due_is_served() {
    let table = Table::over(&Cache::in_memory());
    for (users, id) in [(table.users(feed()), 1), (table.batches(feed()), 2)] {
        users.get(&id).await.unwrap();
        table.refuse(true);
        sleep(Duration::from_secs(60)).await;
        for _ in 0..3 {
            assert_eq!(users.get(&id).await, Ok(Some(User { id, load: 1 })));
            assert_eq!(users.get_many(&[id]).await.unwrap().len(), 1);
            settled().await;
        }
        table.refuse(false);
        table.asked();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hit_is_one_round_trip_and_a_cold_miss_two_of_one_key_as_of_many() {
    let redis = Redis::start();
    let table = Table::over(&patient(&redis));
    let (users, batches) = (table.users(once()), table.batches(once()));
    // With the connection, the scripts and the epoch.
    users.get(&1).await.unwrap();
    reads(&redis);
    let ours = reads(&redis);
    users.get(&2).await.unwrap();
    assert_eq!(reads(&redis) - ours, 2);
    users.get(&2).await.unwrap();
    assert_eq!(reads(&redis) - ours, 1);
    let ids: Vec<u64> = (0..60).map(|index| index * 7 + 3).collect();
    batches.get_many(&ids).await.unwrap();
    assert_eq!(reads(&redis) - ours, 2);
    batches.get_many(&ids).await.unwrap();
    assert_eq!(reads(&redis) - ours, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_one_load() {
    let redis = Redis::start();
    let here = Table::standing_still(&patient(&redis));
    let there = Table { cache: patient(&redis), ..here.clone() };
    let (a, b) = (here.users(once()), there.batches(once()));
    let (a, b, ()) = tokio::join!(a.get(&1), b.get_many(&[1_u64]), async {
        here.gate.entered(1).await;
        here.gate.open();
    });
    assert_eq!(a.unwrap().unwrap(), b.unwrap()[&UserKey { id: 1 }]);
    assert_eq!(here.asked(), [vec![1]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_the_loader_answers() {
    let mut redis = Redis::start();
    let table = Table::over(&redis.cache());
    let (users, batches) = (table.users(once()), table.batches(once()));
    users.get(&1).await.unwrap();
    redis.kill();
    table.asked();
    for _ in 0..3 {
        assert_eq!(users.get(&1).await.unwrap().map(|user| user.id), Some(1));
        assert_eq!(batches.get_many(&[1_u64, 2]).await.unwrap().len(), 2);
    }
    assert_eq!(table.asked().concat().len(), 9);
}

#[tokio::test]
async fn a_type_that_describes_itself_is_told_from_what_it_was() {
    mod before {
        use super::*;
        #[derive(Serialize, Deserialize, CacheSchema)]
        pub struct Point {
            pub x: u32,
            pub y: u32,
        }
    }
    mod now {
        use super::*;
        #[derive(Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
        pub struct Point {
            pub y: u32,
            pub x: u32,
        }
    }
    #[derive(CacheKey, Clone, PartialEq, Eq, Hash)]
    #[cache_key("point", value = now::Point)]
    struct Where;

    #[cached(key = "point", ttl = 60)]
    async fn stored() -> before::Point {
        before::Point { x: 1, y: 2 }
    }
    let cache = Cache::builder().codec(Codec::Postcard).build().unwrap();
    cache.scope(stored()).await;
    let load = |_: Where| async { Ok::<_, Refused>(Some(now::Point { x: 3, y: 4 })) };
    let points = ReadThrough::new(&cache, MINUTE, load);
    assert_eq!(points.get(&Where).await, Ok(Some(now::Point { x: 3, y: 4 })), "read as what it is not");
    assert!(cache.get::<now::Point>(key!("point")).await.is_some());
}

#[tokio::test]
async fn a_read_through_says_no_key_and_no_value_of_its_own() {
    let users = Table::over(&Cache::in_memory()).users(once());
    users.get(&4711).await.unwrap();
    let said = format!("{users:?}");
    assert!(said.contains("user:<id>") && !said.contains("4711"), "{said}");
}
