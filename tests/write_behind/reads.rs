//! Whoever reads after a call was acknowledged has its value, or a later one: whatever else happens to the key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::__private::{Accepted, Queue};
use cached_runtime::Cache;
use tokio::task::JoinSet;

use crate::on_both_backends;
use crate::table::{SITE, Table, items, key_of, read, row};

const KEYS: usize = 4;

/// What was acknowledged of each key.
#[derive(Default)]
struct Known {
    acknowledged: [AtomicU64; KEYS],
    over: AtomicBool,
}

impl Known {
    fn of(&self, id: u64) -> &AtomicU64 {
        &self.acknowledged[usize::try_from(id).expect("small")]
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }
}

/// One writer of one key: past the queue too, where the queue says so.
async fn write(queue: &'static Queue, cache: Cache, table: Table, known: Arc<Known>, id: u64, past: bool) {
    for value in 1.. {
        if !known.goes_on() {
            return;
        }
        match queue.accept(&SITE, &cache, items(&cache, &[row(id, value)])).await {
            Accepted::Queued => {}
            Accepted::Full => panic!("it writes through"),
            Accepted::Through(mut through) => {
                assert!(past, "the queue is not full, and the store is there");
                table.set(&row(id, value));
                through.finish().await;
            }
        }
        known.of(id).store(value, Ordering::SeqCst);
        if value % 7 == 0 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..4))).await;
        }
    }
}

async fn watch(cache: Cache, table: Table, known: Arc<Known>) -> u64 {
    let mut reads = 0;
    while known.goes_on() {
        let id = fastrand::u64(..KEYS as u64);
        let before = known.of(id).load(Ordering::SeqCst);
        let value = read(&cache, &table, id).await.unwrap_or(0);
        assert!(value >= before, "row {id}: {value} was read after {before} was acknowledged");
        reads += 1;
        tokio::task::yield_now().await;
    }
    reads
}

/// Everything that takes entries away.
async fn disturb(cache: Cache, known: Arc<Known>) {
    while known.goes_on() {
        let id = fastrand::u64(..KEYS as u64);
        match fastrand::u8(..10) {
            0 => drop(cache.clear().await),
            _ => drop(cache.invalidate(key_of(id)).await),
        }
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..3000))).await;
    }
}

async fn live(queue: &'static Queue, world: crate::support::World, past: bool) {
    let (table, known) = (Table::default(), Arc::new(Known::default()));
    // Slow is not away: what is promised of an outage is said elsewhere.
    let patient =
        |redis: &crate::support::Redis| redis.builder().timeout(Duration::from_secs(10)).build().expect("a cache");
    let another = || world.redis.as_ref().map_or_else(|| world.cache.clone(), patient);
    let (here, there) = (another(), another());
    let mut workers = vec![table.worker(queue, &here).await, table.worker(queue, &there).await];
    let mut tasks = JoinSet::new();
    for id in 0..KEYS as u64 {
        let cache = if id % 2 == 0 { &here } else { &there };
        tasks.spawn(write(queue, cache.clone(), table.clone(), Arc::clone(&known), id, past));
    }
    tasks.spawn(disturb(here.clone(), Arc::clone(&known)));
    let readers: Vec<_> = [&here, &there, &here, &there]
        .into_iter()
        .map(|cache| tokio::spawn(watch(cache.clone(), table.clone(), Arc::clone(&known))))
        .collect();
    let began = Instant::now();
    let mut round = 0;
    while began.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(150)).await;
        round += 1;
        // A database that comes and goes, and workers that do.
        table.down(round % 4 == 1);
        if round % 5 == 0 {
            workers.remove(0);
            workers.push(table.worker(queue, if round % 2 == 0 { &here } else { &there }).await);
        }
    }
    table.down(false);
    known.over.store(true, Ordering::SeqCst);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.expect("no stale read");
    }
    tasks.join_all().await;
    assert!(reads > 100, "only {reads} reads");
    for worker in &workers {
        worker.flush().await.expect("flushed");
    }
    for id in 0..KEYS as u64 {
        let last = known.of(id).load(Ordering::SeqCst);
        assert_eq!((table.value(id), read(&here, &table, id).await), (Some(last), Some(last)), "row {id}");
    }
}

on_both_backends! {
    async fn no_read_is_older_than_what_was_acknowledged_before_it(world: World) {
        static ROWS: Queue =
            Queue::new("rows").linger(Duration::from_millis(3)).lease(Duration::from_secs(1)).accept_loss();
        live(&ROWS, world, false).await;
    }

    async fn nor_past_the_mark_where_callers_write_themselves(world: World) {
        static ROWS: Queue = Queue::new("small").linger(Duration::from_millis(3)).lease(Duration::from_secs(1))
            .high_water(2).accept_loss();
        live(&ROWS, world, true).await;
    }
}
