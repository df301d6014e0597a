//! Callers of a cached function, with a database that takes its time.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::record::{Call, Load, Record};

/// What a load takes, as far as timers of a millisecond can tell.
pub const LOAD: Duration = Duration::from_millis(2);

/// Between two calls of a caller with a key of its own, at random: what else it does. Callers of one key ask again at once.
const PAUSE: (u64, u64) = (25, 75);

/// As many loads at a time as the cache allows by default while Redis is away.
const BOUND: usize = 64;

/// Who calls, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// Callers with a key each.
    Apart(usize),
    /// Callers of one key.
    Together(usize),
}

impl Crowd {
    pub fn callers(self) -> usize {
        match self {
            Self::Apart(callers) | Self::Together(callers) => callers,
        }
    }

    pub fn key(self, caller: usize) -> usize {
        match self {
            Self::Apart(_) => caller,
            Self::Together(_) => 0,
        }
    }
}

/// The rows, and how they are loaded.
pub struct Database {
    start: Instant,
    /// By key: how many load it now.
    loading: Vec<AtomicUsize>,
    at_a_time: AtomicUsize,
    loads: Mutex<Vec<Load>>,
    /// What one run of the body took, while its caller asks.
    turn: Option<Semaphore>,
    row: AtomicU64,
}

impl Database {
    async fn load(&self, key: usize) -> u64 {
        let _turn = match &self.turn {
            Some(turn) => turn.acquire().await.ok(),
            None => None,
        };
        let now = self.loading[key].fetch_add(1, Ordering::SeqCst) + 1;
        self.at_a_time.fetch_max(now, Ordering::SeqCst);
        let began = self.start.elapsed();
        sleep(LOAD).await;
        let row = self.row.load(Ordering::SeqCst);
        let load = Load { key, began, ended: self.start.elapsed() };
        self.loading[key].fetch_sub(1, Ordering::SeqCst);
        self.loads.lock().unwrap_or_else(PoisonError::into_inner).push(load);
        row
    }
}

#[cached(key = "row:<key>", ttl = 600, skip(database, took, cache), cache = cache)]
async fn row(database: &Database, key: usize, took: &Mutex<Option<Duration>>, cache: &Cache) -> Result<u64, String> {
    let began = Instant::now();
    let row = database.load(key).await;
    *took.lock().unwrap_or_else(PoisonError::into_inner) = Some(began.elapsed());
    Ok(row)
}

/// The callers at work.
pub struct Work {
    database: Arc<Database>,
    cache: Cache,
    over: Arc<AtomicBool>,
    callers: JoinSet<Vec<Call>>,
}

impl Work {
    /// Puts the callers to work. With `bounded`, no more bodies run at a time than the cache would allow.
    pub fn begin(start: Instant, crowd: Crowd, cache: &Cache, bounded: bool) -> Self {
        let database = Arc::new(Database {
            start,
            loading: (0..crowd.callers()).map(|_| AtomicUsize::new(0)).collect(),
            at_a_time: AtomicUsize::new(0),
            loads: Mutex::default(),
            turn: bounded.then(|| Semaphore::new(BOUND)),
            row: AtomicU64::new(7),
        });
        let over = Arc::<AtomicBool>::default();
        let mut callers = JoinSet::new();
        for caller in 0..crowd.callers() {
            let (database, cache, over) = (Arc::clone(&database), cache.clone(), Arc::clone(&over));
            callers.spawn(async move {
                let mut calls = Vec::new();
                // Not all at once.
                sleep(Duration::from_millis(fastrand::u64(0..PAUSE.1))).await;
                while !over.load(Ordering::Relaxed) {
                    let body = Mutex::new(None);
                    let began = database.start.elapsed();
                    let answer = row(&database, crowd.key(caller), &body, &cache).await;
                    let took = database.start.elapsed().saturating_sub(began);
                    let body = body.into_inner().unwrap_or_else(PoisonError::into_inner);
                    calls.push(Call { caller, began, took, body, right: answer == Ok(7) });
                    if matches!(crowd, Crowd::Apart(_)) {
                        sleep(Duration::from_millis(fastrand::u64(PAUSE.0..PAUSE.1))).await;
                    }
                }
                calls
            });
        }
        Self { database, cache: cache.clone(), over, callers }
    }

    /// Since the beginning.
    pub fn now(&self) -> Duration {
        self.database.start.elapsed()
    }

    pub async fn end(self) -> Record {
        let end = self.now();
        self.over.store(true, Ordering::Relaxed);
        let calls = self.callers.join_all().await.into_iter().flatten().collect();
        let mut record = Record { calls, ..Record::default() };
        record.calls.sort_by_key(|call| call.began + call.took);
        record.loads = std::mem::take(&mut *self.database.loads.lock().unwrap_or_else(PoisonError::into_inner));
        record.at_a_time = self.database.at_a_time.load(Ordering::SeqCst);
        record.over_bound = self.cache.stats().total().over_bound;
        record.moments.end = end;
        record
    }
}
