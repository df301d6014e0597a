//! `when` and `unless`.

use std::time::Duration;

use cached_runtime::{Cache, cached};
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::promises;
use crate::support::Count;

const LONG: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Stock {
    cache: Cache,
    gate: Gate,
    loads: Count,
}

impl Stock {
    fn over(cache: &Cache) -> Self {
        let stock = Self::standing_still(cache);
        stock.gate.open();
        stock
    }

    fn standing_still(cache: &Cache) -> Self {
        Self { cache: cache.clone(), gate: Gate::closed(), loads: Count::default() }
    }

    #[cached(key = "when:<id>", ttl = 60, mutex, when = id > 0 && !fresh, skip(fresh), cache = self.cache.clone())]
    async fn positive(&self, id: i64, fresh: bool) -> Result<u64, String> {
        let load = self.loads.add();
        if !fresh {
            self.gate.pass().await;
        }
        Ok(load)
    }

    #[cached(key = "few:<id>", ttl = 60, mutex, unless = |count| *count < 10, cache = self.cache.clone())]
    async fn unless_few(&self, id: i64) -> Result<i64, String> {
        self.loads.add();
        self.gate.pass().await;
        Ok(id)
    }

    #[cached(
        key = "freely:<id>", ttl = 60, unless = |count| count.is_none_or(|count| count < 10), none_ttl = 60,
        cache = self.cache.clone()
    )]
    async fn unless_few_or_none(&self, id: i64) -> Option<i64> {
        self.loads.add();
        self.gate.pass().await;
        (id != 0).then_some(id)
    }
}

promises! {
    async fn the_cache_is_used_only_when_it_says_so(world: World) {
        let stock = Stock::over(&world.cache);
        assert_eq!(stock.positive(1, true).await, Ok(1));
        assert_eq!(stock.positive(1, false).await, Ok(2), "a bypass stores nothing");
        assert_eq!(stock.positive(1, true).await, Ok(3), "and reads nothing");
        assert_eq!(stock.positive(1, false).await, Ok(2));
        for load in 4..=6 {
            assert_eq!(stock.positive(0, false).await, Ok(load));
        }
        assert_eq!(world.cache.stats().function("positive").unwrap().bypasses, 5);
    }

    async fn a_call_that_does_not_use_the_cache_waits_for_nobody(world: World) {
        let stock = Stock::standing_still(&world.cache);
        let (leader, others) = (stock.clone(), stock.clone());
        let leader = tokio::spawn(async move { leader.positive(1, false).await });
        stock.gate.entered(1).await;
        let bypassing = async move {
            for load in 2..=4 {
                assert_eq!(others.positive(1, true).await, Ok(load));
            }
        };
        timeout(LONG, bypassing).await.expect("a call that bypasses the cache waited for a load");
        stock.gate.open();
        assert_eq!(leader.await.unwrap(), Ok(1));
        assert_eq!(stock.positive(1, false).await, Ok(1), "the load that used the cache is stored");
    }

    async fn a_value_is_not_stored_where_unless_says_so(world: World) {
        let stock = Stock::over(&world.cache);
        for load in 1..=3 {
            assert_eq!(stock.unless_few(9).await, Ok(9));
            assert_eq!(stock.loads.get(), load);
        }
        for _ in 0..3 {
            assert_eq!(stock.unless_few(10).await, Ok(10));
        }
        assert_eq!(stock.loads.get(), 4);
        for load in 5..=7 {
            assert_eq!(stock.unless_few_or_none(0).await, None, "`unless` sees what is written, a `None` too");
            assert_eq!(stock.loads.get(), load);
        }
        for _ in 0..3 {
            assert_eq!(stock.unless_few_or_none(10).await, Some(10));
        }
        assert_eq!(stock.loads.get(), 8);
    }

    async fn a_value_that_is_not_stored_is_still_shared_with_those_who_wait(world: World) {
        let stock = Stock::standing_still(&world.cache);
        let mut waiting: Vec<_> = (0..20).map(|_| Box::pin(stock.unless_few(9))).collect();
        let mut freely: Vec<_> = (0..20).map(|_| Box::pin(stock.unless_few_or_none(9))).collect();
        // The first of each leads; wait until its load runs, then let the others join it.
        let (first, freely_first) = (waiting.remove(0), freely.remove(0));
        let first = async { tokio::join!(first, freely_first) };
        let rest = async {
            stock.gate.entered(2).await;
            for call in &mut waiting {
                assert!(call.now_or_never().is_none());
            }
            for call in &mut freely {
                assert!(call.now_or_never().is_none());
            }
            stock.gate.open();
            for call in waiting {
                assert_eq!(call.await, Ok(9));
            }
            for call in freely {
                assert_eq!(call.await, Some(9));
            }
        };
        let ((leader, free_leader), ()) = timeout(LONG, async { tokio::join!(first, rest) }).await.unwrap();
        assert_eq!((leader, free_leader), (Ok(9), Some(9)));
        assert_eq!(stock.loads.get(), 2);
    }
}
