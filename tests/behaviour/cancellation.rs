//! Callers that go away: wherever they stop, nothing stays locked.

use std::collections::HashMap;
use std::time::Duration;

use cached_runtime::{Cache, cached};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::patience::patient;
use crate::promises;
use crate::steps::polled;
use crate::support::Count;

/// Far below the leases.
const AT_ONCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Users {
    cache: Cache,
    loads: Count,
}

impl Users {
    fn over(cache: Cache) -> Self {
        Self { cache, loads: Count::default() }
    }

    async fn load(&self) -> u64 {
        let load = self.loads.add();
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        load
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find(&self, id: usize) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "free:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: usize) -> Option<u64> {
        Some(self.load().await)
    }

    #[cached(key = "absent:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find_nothing(&self, id: usize) -> Result<Option<u64>, String> {
        self.load().await;
        Ok(None)
    }

    #[cached(
        key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), each = id in ids, cache = self.cache.clone()
    )]
    async fn find_many(&self, ids: &[usize]) -> Result<HashMap<usize, u64>, String> {
        let load = self.load().await;
        Ok(ids.iter().map(|id| (*id, load)).collect())
    }

    #[cached(key = "brief:<id>", ttl = 60, mutex(lease = "20s", wait = "100ms"), cache = self.cache.clone())]
    async fn find_impatiently(&self, id: usize) -> Result<u64, String> {
        Ok(self.load().await)
    }
}

/// Drops a call after each possible number of polls. `after` is told of each, and how often it must have been polled
/// to end is the answer.
async fn drop_at_each_await_point<T, C, A>(call: impl Fn(usize) -> C, after: impl Fn(usize) -> A) -> usize
where
    C: Future<Output = T>,
    A: Future<Output = ()>,
{
    for polls in 0..1000 {
        let mut dropped = Box::pin(call(polls));
        let ended = polled(&mut dropped, polls).await.is_some();
        drop(dropped);
        let next = timeout(AT_ONCE, after(polls)).await;
        assert!(next.is_ok(), "dropped after {polls} polls, a call left its key locked");
        if ended {
            return polls;
        }
    }
    panic!("the call never ends");
}

promises! {
    async fn a_caller_dropped_at_any_await_point_leaves_nothing_locked(world: World) {
        for mutex in [true, false] {
            let users = Users::over(world.cache.clone());
            let elsewhere = Users::over(world.other_process());
            let call = async |users: &Users, id| {
                if mutex { users.find(id).await.ok() } else { users.find_without_mutex(id).await }
            };
            let polls = drop_at_each_await_point(|id| call(&users, id), async |id| {
                let loaded = call(&users, id).await;
                assert!(loaded.is_some());
                assert_eq!(call(&elsewhere, id).await, loaded, "what was loaded after it is not stored");
            }).await;
            assert!(polls >= 3, "the loads themselves wait twice; {polls}");
        }
    }

    async fn a_batch_dropped_at_any_await_point_leaves_nothing_locked(world: World) {
        let users = Users::over(world.cache.clone());
        let elsewhere = Users::over(world.other_process());
        let ids = |id| [4 * id, 4 * id + 1, 4 * id + 2];
        let call = async |id: usize| users.find_many(&ids(id)).await;
        let polls = drop_at_each_await_point(call, async |id| {
            let more = [ids(id)[2], 4 * id + 3, ids(id)[0]];
            let loaded = elsewhere.find_many(&more).await.unwrap();
            for id in more {
                assert_eq!(users.find(id).await, Ok(loaded[&id]), "what was loaded after it is not stored");
            }
        }).await;
        assert!(polls >= 3, "the loads themselves wait twice; {polls}");
    }

    async fn a_batch_dropped_while_it_waits_for_another_disturbs_nobody(world: World) {
        let users = Users::over(world.cache.clone());
        let elsewhere = Users::over(world.other_process());
        for polls in 0..12 {
            let id = 2 * polls;
            let before = users.loads.get();
            let mut leader = Box::pin(users.find(id));
            while users.loads.get() == before {
                assert!(polled(&mut leader, 1).await.is_none());
                tokio::task::yield_now().await;
            }
            let ids = [id, id + 1];
            let mut dropped = Box::pin(elsewhere.find_many(&ids));
            let _ = timeout(Duration::from_millis(30), polled(&mut dropped, polls)).await;
            drop(dropped);
            let load = timeout(AT_ONCE, leader).await.expect("the leader waits").unwrap();
            let found = timeout(AT_ONCE, elsewhere.find_many(&ids)).await.expect("the keys are locked").unwrap();
            assert_eq!(found[&id], load, "dropped after {polls} polls");
            assert_eq!(users.find(id + 1).await, Ok(found[&(id + 1)]), "dropped after {polls} polls");
        }
    }

    async fn a_caller_dropped_where_it_finds_nothing_leaves_nothing_locked(world: World) {
        let users = Users::over(world.cache.clone());
        let elsewhere = Users::over(world.other_process());
        drop_at_each_await_point(|id| users.find_nothing(id), async |id| {
            assert_eq!(elsewhere.find_nothing(id).await, Ok(None));
            assert_eq!(users.find_nothing(id).await, Ok(None));
        }).await;
    }

    async fn a_caller_dropped_while_others_share_its_load_costs_them_one_more(world: World) {
        let users = Users::over(world.cache.clone());
        for polls in 0..1000 {
            let before = users.loads.get();
            let mut leader = Box::pin(users.find(polls));
            let ended = polled(&mut leader, polls).await.is_some();
            let mut joined: Vec<_> = (0..5).map(|_| Box::pin(users.find(polls))).collect();
            for call in &mut joined {
                if let Some(ended) = call.now_or_never() {
                    ended.unwrap();
                    *call = Box::pin(users.find(polls));
                }
            }
            drop(leader);
            let joined = timeout(AT_ONCE, join_all(joined)).await;
            let joined = joined.unwrap_or_else(|_| panic!("its followers wait on, after {polls} polls"));
            assert!(joined.iter().all(|load| *load == joined[0]), "{joined:?}");
            assert!(users.loads.get() - before <= 2, "{} loads", users.loads.get() - before);
            if ended {
                return;
            }
        }
    }

    async fn a_follower_dropped_at_any_await_point_disturbs_nobody(world: World) {
        let users = Users::over(world.cache.clone());
        let elsewhere = Users::over(world.other_process());
        for polls in 0..6 {
            let mut leader = Box::pin(users.find(polls));
            // Into the load.
            while users.loads.get() == polls as u64 {
                assert!(polled(&mut leader, 1).await.is_none());
                tokio::task::yield_now().await;
            }
            for users in [&users, &elsewhere] {
                let mut dropped = Box::pin(users.find(polls));
                // A waiter wakes only when the load ends: after a while it stands at its last await point.
                let _ = timeout(Duration::from_millis(30), polled(&mut dropped, polls)).await;
            }
            let load = timeout(AT_ONCE, leader).await.expect("the leader waits");
            assert_eq!(load, Ok(polls as u64 + 1));
            assert_eq!(timeout(AT_ONCE, users.find(polls)).await.expect("the key is locked"), load);
            assert_eq!(timeout(AT_ONCE, elsewhere.find(polls)).await.expect("the key is locked"), load);
        }
    }

    async fn a_caller_that_is_never_polled_again_holds_nobody_up_past_wait(world: World) {
        let users = Users::over(world.cache.clone());
        let elsewhere = Users::over(world.other_process());
        let mut stalled = Vec::new();
        for polls in 0..1000 {
            let mut stall = Box::pin(users.find_impatiently(polls));
            let ended = polled(&mut stall, polls).await.is_some();
            for users in [&users, &elsewhere] {
                let next = timeout(AT_ONCE, users.find_impatiently(polls)).await;
                next.unwrap_or_else(|_| panic!("not polled after {polls} polls, it holds others up")).unwrap();
            }
            if ended {
                break;
            }
            stalled.push(stall);
        }
        // Gone on with, each still gets a value.
        for found in timeout(AT_ONCE, join_all(stalled)).await.expect("they wait for each other") {
            found.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_dropped_while_its_cache_still_connects_leaves_nothing_locked() {
    let redis = crate::support::Redis::start();
    let elsewhere = Users::over(patient(&redis));
    drop_at_each_await_point(
        |id| {
            let users = Users::over(patient(&redis));
            async move { users.find(id).await }
        },
        async |id| {
            elsewhere.find(id).await.unwrap();
        },
    )
    .await;
}
