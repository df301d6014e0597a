//! A cached read as applications have it, over a database that holds one number.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, key};

use crate::support::{Count, Redis};

/// The deadline of one store operation, as it is unless a builder says otherwise.
pub const DEADLINE: Duration = Duration::from_millis(100);
/// What busy cores may add to any one call.
pub const SLACK: Duration = Duration::from_millis(750);
/// Within this a server that came back is used again.
pub const RECOVERY: Duration = Duration::from_millis(1_500);

/// A cache with so much patience that a count of loads does not depend on how busy this machine is.
pub fn patient(redis: &Redis) -> Cache {
    redis.builder().timeout(Duration::from_secs(2)).build().expect("a cache")
}

#[derive(Clone)]
pub struct Service {
    pub cache: Cache,
    pub policy: Policy,
    /// How long a load takes.
    pub load: Duration,
    pub loads: Count,
    row: Arc<AtomicU64>,
}

/// What one call got.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub value: u64,
    /// The row as it was when the call began.
    pub row: u64,
    /// Whether the call ran its body.
    pub loaded: bool,
    pub took: Duration,
}

impl Service {
    pub fn over(cache: Cache) -> Self {
        Self {
            cache,
            policy: Policy::ttl(Duration::from_secs(60)),
            load: Duration::from_millis(10),
            loads: Count::default(),
            row: Arc::new(AtomicU64::new(1)),
        }
    }

    pub fn mutex(mut self) -> Self {
        self.policy = self.policy.mutex();
        self
    }

    pub fn lease(mut self, lease: Duration) -> Self {
        self.policy = self.policy.lease(lease);
        self
    }

    pub fn loading_for(mut self, load: Duration) -> Self {
        self.load = load;
        self
    }

    /// The same database behind another cache, as in another process.
    pub fn through(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    /// The Redis key of `id`.
    pub fn entry(id: &str) -> String {
        format!("test:row:{id}")
    }

    /// Commits a new row, without telling the cache.
    pub fn write(&self) -> u64 {
        self.row.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub async fn invalidate(&self, id: &str) -> Result<(), cached_runtime::Error> {
        self.cache.invalidate(&key!("row:<id>")).await
    }

    /// The cached read.
    pub async fn read(&self, id: &str) -> Answer {
        let began = Instant::now();
        let row = self.row.load(Ordering::SeqCst);
        let ran = AtomicBool::new(false);
        let value = self
            .cache
            .get_or_load(key!("row:<id>"), self.policy, || async {
                ran.store(true, Ordering::SeqCst);
                self.loads.add();
                let value = self.row.load(Ordering::SeqCst);
                if !self.load.is_zero() {
                    tokio::time::sleep(self.load).await;
                }
                Ok::<_, Infallible>(value)
            })
            .await;
        let Ok(value) = value;
        Answer { value, row, loaded: ran.into_inner(), took: began.elapsed() }
    }

    /// A read that must be a hit.
    pub async fn hit(&self, id: &str) -> u64 {
        let answer = self.read(id).await;
        assert!(!answer.loaded, "`{id}` is not a hit");
        answer.value
    }

    /// A read that must run the body, return what it returned, and take no longer than the deadline and the load.
    pub async fn uncached(&self, id: &str) -> Answer {
        let answer = self.read(id).await;
        assert!(answer.loaded, "`{id}` is a hit: {answer:?}");
        assert_eq!(answer.value, answer.row, "`{id}` returned something else than its body");
        assert!(answer.took < DEADLINE + self.load + SLACK, "{answer:?}");
        answer
    }

    /// Several of these, most of them with less to spare: a client's own timeout (500 ms) would show.
    pub async fn uncached_times(&self, id: &str, times: usize) {
        let mut took = Vec::new();
        for _ in 0..times {
            took.push(self.uncached(id).await.took);
        }
        took.sort();
        let typical = took[times / 2];
        assert!(typical < DEADLINE + self.load + Duration::from_millis(150), "half took {typical:?} or more");
    }

    /// Reads until a read is a hit; says how long that took.
    pub async fn until_hit(&self, id: &str) -> Duration {
        let began = Instant::now();
        while self.read(id).await.loaded {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "`{id}` never became a hit again: {:?}, {:?}",
                self.cache.health(),
                self.cache.stats()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        began.elapsed()
    }
}
