//! The store is away for one call and answers another, of the same key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cached_runtime::{Cache, cached};

use crate::gate::Gate;
use crate::on_both_backends;
use crate::patience::SteeredWorld;
use crate::steered::Op;

#[derive(Clone)]
struct Rows {
    cache: Cache,
    gate: Gate,
    running: Arc<AtomicU64>,
    /// The most that ran at a time.
    most: Arc<AtomicU64>,
}

impl Rows {
    fn of(cache: &Cache) -> Self {
        Self { cache: cache.clone(), gate: Gate::closed(), running: Arc::default(), most: Arc::default() }
    }

    async fn load(&self) -> u64 {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        self.gate.pass().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        7
    }

    #[cached(key = "row", ttl = 60, mutex, cache = self.cache.clone())]
    async fn row(&self) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "row:<id>", ttl = 60, mutex, each = id in ids, cache = self.cache.clone())]
    async fn rows(&self, ids: &[u64]) -> Result<Vec<Option<u64>>, String> {
        let row = self.load().await;
        Ok(vec![Some(row); ids.len()])
    }
}

/// The store answers the first call only when the second, which it refused, loads. `releases`: of leases, one by one, until
/// the first has given its own back.
async fn loads_at_a_time<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    steered: &SteeredWorld,
    rows: &Rows,
    releases: u64,
    call: impl Fn(Rows) -> F,
) -> (u64, T, T) {
    let helm = &steered.helm;
    helm.hold_answers(&[Op::Acquire]);
    let answered = tokio::spawn(call(rows.clone()));
    helm.has_begun(Op::Acquire, 1).await;
    helm.refuse(&[Op::Acquire]);
    let refused = tokio::spawn(call(rows.clone()));
    rows.gate.entered(1).await;
    helm.heal(&[Op::Acquire]);
    helm.has_begun(Op::Other, releases).await;
    rows.gate.open();
    let answers = (answered.await.expect("no panic"), refused.await.expect("no panic"));
    (rows.most.load(Ordering::SeqCst), answers.0, answers.1)
}

on_both_backends! {
    async fn who_gets_the_lease_while_another_call_loads_for_want_of_the_store_shares_that_load(world: World) {
        let steered = SteeredWorld::from(world);
        let rows = Rows::of(&steered.cache);
        // Who was refused cannot know that it has none.
        let answers = loads_at_a_time(&steered, &rows, 2, |rows: Rows| async move { rows.row().await }).await;
        assert_eq!(answers, (1, Ok(7), Ok(7)));
        // What was loaded for want of the store is not in it; the next call finds no lease in its way.
        assert_eq!(rows.row().await, Ok(7));
        assert_eq!((rows.gate.loads(), rows.cache.stats().total().stores), (2, 1));
    }

    async fn a_batch_that_gets_the_lease_while_another_call_loads_for_want_of_the_store_shares_that_load(world: World) {
        let steered = SteeredWorld::from(world);
        let rows = Rows::of(&steered.cache);
        let answers = loads_at_a_time(&steered, &rows, 1, |rows: Rows| async move { rows.rows(&[1]).await }).await;
        assert_eq!(answers, (1, Ok(vec![Some(7)]), Ok(vec![Some(7)])));
    }
}
