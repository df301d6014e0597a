//! One load for many callers of one process, and none that waits for what it need not.

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, cached, key};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::promises;
use crate::support::{Count, eventually};

const LOAD: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(5);

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

    async fn load(&self) -> u64 {
        let load = self.loads.add();
        self.gate.pass().await;
        load
    }

    // The leases are long, so that whatever waits for one fails its test.
    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find(&self, id: u64) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "user:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: u64) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "user:<id>", ttl = 60, mutex(lease = "20s", wait = "150ms"), cache = self.cache.clone())]
    async fn find_impatiently(&self, id: u64) -> Result<u64, String> {
        let load = self.loads.add();
        if load == 1 {
            self.gate.pass().await;
        }
        Ok(load)
    }

    #[cached(key = "absent:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find_nothing(&self, id: u64) -> Option<u64> {
        self.load().await;
        None
    }
}

promises! {
    async fn a_hundred_callers_of_a_cold_key_share_one_load(world: World) {
        let loads = Count::default();
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let (cache, loads) = (world.cache.clone(), loads.clone());
            callers.spawn(async move {
                cache.get_or_load(key!("k"), Policy::ttl(Duration::from_secs(60)).mutex(), || async {
                    tokio::time::sleep(LOAD).await;
                    Ok::<_, String>(loads.add())
                }).await
            });
        }
        for result in callers.join_all().await {
            assert_eq!(result, Ok(1));
        }
        assert_eq!(loads.get(), 1);
    }

    async fn what_was_loaded_is_a_hit(world: World) {
        let loads = Count::default();
        for _ in 0..20 {
            let load = || async { Ok::<_, ()>(loads.add()) };
            let value = world.cache.get_or_load(key!("k"), Duration::from_secs(60), load).await;
            assert_eq!(value, Ok(1));
        }
        assert_eq!(loads.get(), 1);
        assert_eq!(world.cache.stats().total().hits, 19);
    }

    async fn callers_that_join_a_running_load_share_it_without_mutex_too(world: World) {
        for mutex in [true, false] {
            let users = Users::over(&world.cache);
            let id = u64::from(mutex);
            let call = || {
                let users = users.clone();
                async move { if mutex { users.find(id).await } else { users.find_without_mutex(id).await } }
            };
            let leader = tokio::spawn(call());
            users.gate.entered(1).await;
            let mut joined: Vec<_> = (0..50).map(|_| Box::pin(call())).collect();
            assert!(joined.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
            users.gate.open();
            assert_eq!(leader.await.unwrap(), Ok(1));
            assert_eq!(join_all(joined).await, vec![Ok(1); 50]);
            assert_eq!(users.loads.get(), 1);
        }
    }

    async fn a_none_that_is_not_cached_is_shared_with_those_who_joined(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.find_nothing(1).await });
        users.gate.entered(1).await;
        let mut joined: Vec<_> = (0..50).map(|_| Box::pin(users.find_nothing(1))).collect();
        assert!(joined.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
        users.gate.open();
        assert_eq!(leader.await.unwrap(), None);
        assert_eq!(join_all(joined).await, [None; 50]);
        assert_eq!(users.loads.get(), 1);
        assert_eq!(users.find_nothing(1).await, None);
        assert_eq!(users.loads.get(), 2, "it was shared, not cached");
    }

    async fn distinct_keys_never_block_each_other(world: World) {
        let users = Users::over(&world.cache);
        let mut callers = JoinSet::new();
        for id in 0..64 {
            let users = users.clone();
            callers.spawn(async move {
                if id % 2 == 0 { users.find(id).await } else { users.find_without_mutex(id).await }
            });
        }
        // All 64 loads stand still at once.
        users.gate.entered(64).await;
        let warm = world.cache.get_or_load(key!("warm"), Duration::from_secs(60), || async { Ok::<_, ()>(7) });
        assert_eq!(timeout(LONG, warm).await.expect("a 65th key waited"), Ok(7));
        assert_eq!(world.cache.get::<i32>(&key!("warm")).await, Some(7));
        users.gate.open();
        assert!(callers.join_all().await.iter().all(Result::is_ok));
    }

    async fn when_the_leader_is_dropped_one_waiter_takes_over_at_once(world: World) {
        let users = Users::over(&world.cache);
        let leader = users.clone();
        let leader = tokio::spawn(async move { leader.find(1).await });
        users.gate.entered(1).await;
        let mut joined: Vec<_> = (0..20).map(|_| Box::pin(users.find(1))).collect();
        assert!(joined.iter_mut().all(|call| call.now_or_never().is_none()), "it joined no load");
        let waiting = tokio::spawn(timeout(LONG, {
            let users = users.clone();
            async move { join_all((0..20).map(|_| users.find(1))).await }
        }));
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        let joined = timeout(LONG, async {
            let (joined, ()) = tokio::join!(join_all(joined), async {
                users.gate.entered(2).await;
                users.gate.open();
            });
            joined
        });
        assert_eq!(joined.await.expect("the waiters waited on"), vec![Ok(2); 20]);
        assert_eq!(waiting.await.unwrap().expect("the waiters waited on"), vec![Ok(2); 20]);
        assert_eq!(users.loads.get(), 2);
    }

    async fn a_leader_that_stops_being_polled_blocks_nobody_past_wait(world: World) {
        let users = Users::over(&world.cache);
        let mut stalled = Box::pin(users.find_impatiently(1));
        eventually("the load does not begin", async || {
            assert!((&mut stalled).now_or_never().is_none());
            users.gate.loads() == 1
        }).await;
        let began = Instant::now();
        let waited = timeout(LONG, join_all((0..20).map(|_| users.find_impatiently(1)))).await.expect("they wait on");
        assert!(waited.iter().all(Result::is_ok));
        assert!(began.elapsed() >= Duration::from_millis(150), "nobody waited: {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(world.cache.stats().total().wait_timeouts, 20);
        users.gate.open();
        assert_eq!(stalled.await, Ok(1), "polled again, it goes on");
        assert_eq!(users.find_impatiently(1).await, Ok(1), "and stores what it loaded");
    }
}

struct Members {
    cache: Cache,
    gate: Gate,
}

impl Members {
    // Who is asked for decides what is found, and it is only a tag that tells.
    #[cached(key = "member:<id>", tag = "org:<org>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, org: u64, id: u64) -> Result<u64, String> {
        self.gate.pass().await;
        Ok(org * 100 + id)
    }
}

promises! {
    async fn callers_with_different_tags_do_not_share_a_load(world: World) {
        let members = Members { cache: world.cache.clone(), gate: Gate::closed() };
        let calls = join_all((1..=3).map(|org| members.find(org, 5)));
        let (found, ()) = tokio::join!(calls, async {
            eventually("the first load", async || members.gate.loads() > 0).await;
            members.gate.open();
        });
        assert_eq!(found, [Ok(105), Ok(205), Ok(305)]);
        assert_eq!(members.find(2, 5).await, Ok(205), "whoever stored last");
    }
}
