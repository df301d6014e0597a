//! An invalidation while a load runs: the old value is never left, and nobody who comes later gets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cached_runtime::{Cache, cached, key};
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::promises;
use crate::steps::polled;
use crate::support::Count;

const LONG: Duration = Duration::from_secs(5);

/// A table with one row, whose value is its version.
#[derive(Clone)]
struct Accounts {
    cache: Cache,
    row: Arc<AtomicU64>,
    loads: Count,
    /// Stands between what is read and what is returned.
    gate: Gate,
}

impl Accounts {
    fn over(cache: &Cache) -> Self {
        let accounts = Self::standing_still(cache);
        accounts.gate.open();
        accounts
    }

    fn standing_still(cache: &Cache) -> Self {
        Self { cache: cache.clone(), row: Arc::new(AtomicU64::new(1)), loads: Count::default(), gate: Gate::closed() }
    }

    fn seen_from(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    async fn load(&self) -> u64 {
        self.loads.add();
        tokio::task::yield_now().await;
        let row = self.row.load(Ordering::SeqCst);
        self.gate.pass().await;
        tokio::task::yield_now().await;
        row
    }

    #[cached(key = "account:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn find(&self, id: usize) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "account:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: usize) -> Result<u64, String> {
        Ok(self.load().await)
    }

    /// The row is there from its second version on.
    #[cached(
        key = "account:<id>", ttl = 60, none_ttl = 60, mutex(lease = "20s", wait = "20s"),
        cache = self.cache.clone()
    )]
    async fn find_inserted(&self, id: usize) -> Option<u64> {
        Some(self.load().await).filter(|row| *row > 1)
    }

    async fn read(&self, id: usize, mutex: bool) -> u64 {
        if mutex { self.find(id).await.unwrap() } else { self.find_without_mutex(id).await.unwrap() }
    }

    /// One connection's commands are executed in turn.
    async fn all_sent_is_executed(&self) {
        self.cache.get::<u8>(&key!("nothing")).await;
    }

    async fn write(&self, id: usize) {
        self.row.fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate(&key!("account:<id>")).await.unwrap();
    }
}

/// Who overtakes a load.
#[derive(Clone, Copy, Debug)]
enum Writer {
    Here,
    Elsewhere,
    /// Not before all that the load has sent until now, its fill perhaps, is executed.
    ElsewhereLater,
}

impl Writer {
    const ALL: [Self; 3] = [Self::Here, Self::Elsewhere, Self::ElsewhereLater];
}

promises! {
    async fn a_load_that_was_overtaken_by_an_invalidation_is_not_stored(world: World) {
        for (id, mutex) in [(1, true), (2, false)] {
            let accounts = Accounts::standing_still(&world.cache);
            let writer = accounts.seen_from(world.other_process());
            let leader = accounts.clone();
            let leader = tokio::spawn(async move { leader.read(id, mutex).await });
            accounts.gate.entered(1).await;
            writer.write(id).await;
            accounts.gate.open();
            assert_eq!(leader.await.unwrap(), 1, "its caller came before the write");
            assert_eq!(accounts.read(id, mutex).await, 2, "the old value was left");
            assert_eq!(writer.read(id, mutex).await, 2, "the old value was left");
        }
    }

    async fn an_absence_that_was_overtaken_by_an_invalidation_is_not_stored(world: World) {
        let accounts = Accounts::standing_still(&world.cache);
        let writer = accounts.seen_from(world.other_process());
        let leader = accounts.clone();
        let leader = tokio::spawn(async move { leader.find_inserted(1).await });
        accounts.gate.entered(1).await;
        writer.write(1).await;
        accounts.gate.open();
        assert_eq!(leader.await.unwrap(), None);
        assert_eq!(accounts.find_inserted(1).await, Some(2));
    }

    async fn in_one_process_a_call_after_an_invalidation_does_not_even_wait_for_the_older_load(world: World) {
        for (id, mutex) in [(1, true), (2, false)] {
            let accounts = Accounts::standing_still(&world.cache);
            let leader = accounts.clone();
            let leader = tokio::spawn(async move { leader.read(id, mutex).await });
            accounts.gate.entered(1).await;
            accounts.write(id).await;
            let later = accounts.clone();
            let later = tokio::spawn(async move { later.read(id, mutex).await });
            timeout(LONG, accounts.gate.entered(2)).await.expect("it waits for a load of no use to it");
            accounts.gate.open();
            assert_eq!((leader.await.unwrap(), later.await.unwrap()), (1, 2));
            assert_eq!(accounts.read(id, mutex).await, 2, "the newer load is stored");
            assert_eq!(accounts.loads.get(), 2);
        }
    }

    async fn who_joins_a_load_after_an_invalidation_elsewhere_never_gets_its_value(world: World) {
        for (id, mutex) in [(1, true), (2, false)] {
            let accounts = Accounts::standing_still(&world.cache);
            // Another process writes, so this one's load is still there to be joined.
            let writer = accounts.seen_from(world.other_process());
            let leader = accounts.clone();
            let leader = tokio::spawn(async move { leader.read(id, mutex).await });
            accounts.gate.entered(1).await;
            let mut before = Box::pin(accounts.read(id, mutex));
            assert!((&mut before).now_or_never().is_none());
            writer.write(id).await;
            let mut after = Box::pin(accounts.read(id, mutex));
            assert!((&mut after).now_or_never().is_none());
            accounts.gate.open();
            leader.await.unwrap();
            let (before, after) = timeout(LONG, async { tokio::join!(before, after) }).await.expect("they wait on");
            assert!(before == 1 || before == 2);
            assert_eq!(after, 2, "a read that began after the invalidation got the old value");
        }
    }

    async fn an_invalidation_at_any_point_of_a_load_leaves_no_old_value(world: World) {
        let mut id = 0;
        for (mutex, from) in [true, false].into_iter().flat_map(|mutex| Writer::ALL.map(|from| (mutex, from))) {
            for polls in 0..1000 {
                id += 1;
                let accounts = Accounts::over(&world.cache);
                let elsewhere = accounts.seen_from(world.other_process());
                let mut leader = Box::pin(accounts.read(id, mutex));
                let ended = polled(&mut leader, polls).await;
                match from {
                    Writer::Here => accounts.write(id).await,
                    Writer::Elsewhere => elsewhere.write(id).await,
                    Writer::ElsewhereLater => {
                        accounts.all_sent_is_executed().await;
                        elsewhere.write(id).await;
                    }
                }
                // One reader on each side, which may join the load, and one on each after it.
                let mut joined = Box::pin(accounts.read(id, mutex));
                let mut joined_elsewhere = Box::pin(elsewhere.read(id, mutex));
                // Once each, so that they come before the leader goes on.
                let at_once = (&mut joined).now_or_never();
                let elsewhere_at_once = (&mut joined_elsewhere).now_or_never();
                let all_end = async {
                    tokio::join!(
                        async { if let Some(row) = ended { row } else { leader.await } },
                        async { if let Some(row) = at_once { row } else { joined.await } },
                        async { if let Some(row) = elsewhere_at_once { row } else { joined_elsewhere.await } },
                    )
                };
                let (row, joined, joined_elsewhere) = timeout(LONG, all_end).await.expect("they wait on");
                assert!(row == 1 || row == 2);
                assert_eq!((joined, joined_elsewhere), (2, 2), "invalidated after {polls} polls, {from:?}");
                assert_eq!(accounts.read(id, mutex).await, 2, "invalidated after {polls} polls, {from:?}");
                assert_eq!(elsewhere.read(id, mutex).await, 2, "invalidated after {polls} polls, {from:?}");
                if ended.is_some() {
                    assert!(polls > 2);
                    break;
                }
            }
        }
    }

    async fn every_invalidation_admits_one_more_load_and_only_the_last_is_stored(world: World) {
        let accounts = Accounts::standing_still(&world.cache);
        let mut loads = Vec::new();
        for load in 1..=5 {
            let reader = accounts.clone();
            loads.push(tokio::spawn(async move { reader.find(1).await.unwrap() }));
            accounts.gate.entered(load).await;
            if load < 5 {
                accounts.write(1).await;
            }
        }
        accounts.gate.open();
        for (load, row) in loads.into_iter().zip(1..) {
            assert_eq!(load.await.unwrap(), row);
        }
        assert_eq!(accounts.find(1).await, Ok(5));
        assert_eq!(accounts.loads.get(), 5);
        assert_eq!(world.cache.stats().total().late_fills, 4);
    }
}
