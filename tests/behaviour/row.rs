//! A table with one row, whose value is its version. Loads and writes of it stand still where a test wants them to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cached_runtime::{Cache, cached};

use crate::gate::Gate;
use crate::support::Count;

#[derive(Clone)]
pub struct Row {
    pub cache: Cache,
    version: Arc<AtomicU64>,
    pub loads: Count,
    /// Stands between what is read and what is returned.
    pub loading: Gate,
    /// Stands before the commit.
    pub writing: Gate,
    /// Stands after the commit.
    pub written: Gate,
}

impl Row {
    pub fn over(cache: &Cache) -> Self {
        let row = Self::standing_still(cache);
        row.loading.open();
        row.writing.open();
        row.written.open();
        row
    }

    pub fn standing_still(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            version: Arc::new(AtomicU64::new(1)),
            loads: Count::default(),
            loading: Gate::closed(),
            writing: Gate::closed(),
            written: Gate::closed(),
        }
    }

    pub fn seen_from(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    /// The same, with loads and writes that stand still apart from those of the other.
    pub fn that_stands_still(&self) -> Self {
        Self { version: Arc::clone(&self.version), loads: self.loads.clone(), ..Self::standing_still(&self.cache) }
    }

    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// What a reader's body does.
    pub async fn load(&self) -> u64 {
        self.loads.add();
        tokio::task::yield_now().await;
        let version = self.version();
        self.loading.pass().await;
        tokio::task::yield_now().await;
        version
    }

    /// What a writer's body does.
    pub async fn commit(&self) -> u64 {
        self.writing.pass().await;
        tokio::task::yield_now().await;
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::task::yield_now().await;
        self.written.pass().await;
        version
    }

    /// The same in a blocking function.
    pub fn commit_blocking(&self) -> u64 {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    #[cached(key = "row:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    pub async fn find(&self, id: usize) -> Result<u64, String> {
        Ok(self.load().await)
    }

    #[cached(key = "tagged:<id>", tag = "all", ttl = 60, cache = self.cache.clone())]
    pub async fn find_tagged(&self, id: usize) -> u64 {
        self.load().await
    }

    /// A read, and whether it was a hit.
    pub async fn read(&self, id: usize) -> (u64, bool) {
        let before = self.loads.get();
        let version = self.find(id).await.expect("no load fails");
        (version, self.loads.get() == before)
    }

    /// The entry of the version as it is now is there.
    pub async fn warm(&self, id: usize) {
        self.find(id).await.expect("no load fails");
        self.must_hit(id, self.version()).await;
    }

    pub async fn must_hit(&self, id: usize, version: u64) {
        assert_eq!(self.read(id).await, (version, true), "no hit, or of another version");
    }

    pub async fn must_load(&self, id: usize) {
        assert_eq!(self.read(id).await, (self.version(), false), "a hit, or of another version");
    }

    /// One connection's commands are executed in turn.
    pub async fn all_sent_is_executed(&self) {
        self.cache.get::<u8>(&cached_runtime::key!("nothing")).await;
    }
}
