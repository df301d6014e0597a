//! The table that everybody reads and writes: one version number per key. Reading and writing, as an application does
//! it, with a word to the log before and after.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cached_runtime::{Cache, Policy, cached, key};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::caller::Caller;
use super::event::What;
use super::habits::Habits;
use super::log::Log;

/// Short, so that loads outlast it.
const LEASE: Duration = Duration::from_millis(40);
/// As the macros below say it.
const WAIT: Duration = Duration::from_secs(2);
const TTL: Duration = Duration::from_secs(60);

/// What the database says of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub key: u8,
    pub version: u64,
}

/// The query failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl Row {
    /// The key's number in its name, if it is the name of a row.
    pub fn number(name: &str) -> Option<u8> {
        // What the library keeps about a row is not the row.
        if name.contains('%') {
            return None;
        }
        name.rsplit_once("row:")?.1.parse().ok()
    }

    /// The version in a stored value, which ends with the row as JSON.
    pub fn version_in(value: &[u8]) -> Option<u64> {
        let row = value.iter().rposition(|byte| *byte == b'{')?;
        serde_json::from_slice::<Self>(value.get(row..)?).ok().map(|row| row.version)
    }

    /// Two rows are a group, with a tag of its own.
    pub(super) fn group(key: u8) -> Option<u8> {
        matches!(key, 4 | 5).then_some(1)
    }

    /// One version in eight expires while it is wanted.
    pub(super) fn ttl(&self) -> Duration {
        if self.version % 8 == 7 { LEASE } else { TTL }
    }
}

/// One counter per key, shared by all processes: reading it is a query, raising it a commit.
#[async_trait]
pub trait Database: Send + Sync + 'static {
    async fn version(&self, key: u8) -> u64;
    async fn commit(&self, key: u8) -> u64;
}

/// The table as one process sees it.
#[derive(Clone)]
pub struct Rows {
    pub cache: Cache,
    pub database: Arc<dyn Database>,
    pub log: Log,
    pub habits: Habits,
}

/// A read that has begun. Dropped before it ended: nobody got an answer.
pub struct Reading<'r> {
    rows: &'r Rows,
    task: u16,
    key: u8,
    what: What,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.rows.log.add(self.task, self.key, self.what);
    }
}

impl Reading<'_> {
    /// This is its answer.
    pub fn answer(&mut self, row: Option<&Row>) {
        self.what = row.map_or(What::ReadNone, |row| What::ReadEnded { version: row.version, of: row.key });
    }
}

/// A body at work.
pub struct Loading<'r> {
    rows: &'r Rows,
    task: u16,
    key: u8,
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.rows.log.add(self.task, self.key, What::LoadOver);
    }
}

impl Rows {
    /// One process waits for another's load.
    #[cached(
        key = "row:<key>",
        ttl = |row| row.as_ref().map_or(TTL, Row::ttl),
        mutex(lease = "40ms", wait = "2s"),
        skip(caller),
        cache = self.cache.clone()
    )]
    async fn guarded(&self, key: u8, caller: Caller) -> Result<Option<Row>, Refused> {
        self.load(key, caller).await
    }

    /// It does not, and may not store what it loads meanwhile.
    async fn unguarded(&self, key: u8, caller: Caller) -> Result<Option<Row>, Refused> {
        let policy = Policy::ttl(TTL).lease(LEASE);
        self.cache.get_or_load(key!("row:<key>"), policy, || self.load(key, caller)).await
    }

    /// It is loaded anew while it is served: as soon as it is as old as a lease.
    async fn refreshed(&self, key: u8, caller: Caller) -> Result<Option<Row>, Refused> {
        let policy = Policy::ttl(LEASE).stale(TTL).mutex().lease(LEASE).wait(WAIT);
        self.cache.get_or_load(key!("row:<key>"), policy, || self.load(key, caller)).await
    }

    /// The rows of a group carry its tag, whoever stores them.
    #[cached(
        key = "row:<key>",
        tag = "group:<group>",
        ttl = |row| row.as_ref().map_or(TTL, Row::ttl),
        mutex(lease = "40ms", wait = "2s"),
        skip(group, caller),
        cache = self.cache.clone()
    )]
    async fn tagged(&self, key: u8, group: u8, caller: Caller) -> Result<Option<Row>, Refused> {
        self.load(key, caller).await
    }

    /// Kept in its process too.
    #[cached(
        key = "row:<key>",
        ttl = |row| row.as_ref().map_or(TTL, Row::ttl),
        mutex(lease = "40ms", wait = "2s"),
        local,
        skip(caller),
        cache = &self.cache
    )]
    async fn local(&self, key: u8, caller: Caller) -> Result<Option<Row>, Refused> {
        self.load(key, caller).await
    }

    #[cached(
        key = "row:<key>",
        tag = "group:<group>",
        ttl = |row| row.as_ref().map_or(TTL, Row::ttl),
        mutex(lease = "40ms", wait = "2s"),
        local = "10s",
        skip(group, caller),
        cache = &self.cache
    )]
    async fn local_and_tagged(&self, key: u8, group: u8, caller: Caller) -> Result<Option<Row>, Refused> {
        self.load(key, caller).await
    }

    /// Several at once: one round trip, and one query for those that are missing.
    #[cached(
        key = "row:<key>",
        each = key in keys,
        ttl = |row| row.ttl(),
        mutex(lease = "40ms", wait = "2s"),
        skip(caller),
        cache = self.cache.clone()
    )]
    async fn several(&self, keys: &[u8], mut caller: Caller) -> Result<HashMap<u8, Row>, Refused> {
        let _all: Vec<_> = keys.iter().map(|key| self.loading(*key, caller.task)).collect();
        let mut rows = HashMap::new();
        for key in keys {
            let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
            rows.extend(self.load(*key, own).await?.map(|row| (*key, row)));
        }
        Ok(rows)
    }

    /// The query: quick as a rule, but some outlast their lease, and one in a hundred fails.
    async fn load(&self, key: u8, mut caller: Caller) -> Result<Option<Row>, Refused> {
        let _loading = self.loading(key, caller.task);
        let slow = caller.dice.once_in(self.habits.slow_one_in);
        let before = caller.dice.millis(0, 2);
        let (shortest, longest) = self.habits.slow;
        let after = if slow { caller.dice.millis(shortest, longest) } else { caller.dice.millis(0, 2) };
        if caller.dice.once_in(4) {
            sleep(before).await;
        }
        let version = self.database.version(key).await;
        self.log.add(caller.task, key, What::Loaded { version });
        if slow || caller.dice.once_in(4) {
            sleep(after).await;
        }
        if caller.dice.once_in(100) && self.habits.fails {
            return Err(Refused);
        }
        Ok((!self.habits.absent(version)).then_some(Row { key, version }))
    }

    pub fn loading(&self, key: u8, task: u16) -> Loading<'_> {
        self.log.add(task, key, What::Loading);
        Loading { rows: self, task, key }
    }

    pub fn begin(&self, key: u8, task: u16) -> Reading<'_> {
        self.begin_as(key, task, What::ReadBegan)
    }

    fn begin_as(&self, key: u8, task: u16, what: What) -> Reading<'_> {
        self.log.add(task, key, what);
        Reading { rows: self, task, key, what: What::ReadGone }
    }

    /// Reads one of these rows, or several. Whether there was an answer.
    pub async fn read_any(&self, keys: &[u8], mut caller: Caller) -> bool {
        if !caller.dice.once_in(12) {
            let key = *caller.dice.one_of(keys);
            if self.habits.local_one_in > 0 && caller.dice.once_in(self.habits.local_one_in) {
                return self.read_locally(key, caller).await;
            }
            return self.read(key, caller).await;
        }
        // Few: they are loaded one after another.
        let untagged = keys.iter().copied().filter(|key| Row::group(*key).is_none());
        let untagged: Vec<u8> = untagged.take(4).collect();
        let readings: Vec<_> = untagged.iter().map(|key| self.begin(*key, caller.task)).collect();
        let Ok(rows) = self.several(&untagged, caller).await else { return false };
        for mut reading in readings {
            let row = rows.get(&reading.key);
            reading.answer(row);
        }
        true
    }

    /// One read that may be answered in this process. Whether there was an answer.
    async fn read_locally(&self, key: u8, caller: Caller) -> bool {
        let mut reading = self.begin_as(key, caller.task, What::LocalReadBegan);
        let row = match Row::group(key) {
            Some(group) => self.local_and_tagged(key, group, caller).await,
            None => self.local(key, caller).await,
        };
        if let Ok(row) = &row {
            reading.answer(row.as_ref());
        }
        row.is_ok()
    }

    /// One read. Whether there was an answer.
    pub async fn read(&self, key: u8, mut caller: Caller) -> bool {
        let mut reading = self.begin(key, caller.task);
        let row = match Row::group(key) {
            Some(group) => self.tagged(key, group, caller).await,
            None if caller.dice.once_in(self.habits.refreshes_one_in) => self.refreshed(key, caller).await,
            None if caller.dice.once_in(4) => self.unguarded(key, caller).await,
            None => self.guarded(key, caller).await,
        };
        if let Ok(row) = &row {
            reading.answer(row.as_ref());
        }
        row.is_ok()
    }

    /// The database's part of a write.
    pub async fn commit(&self, key: u8, task: u16) -> Row {
        self.log.add(task, key, What::CommitBegan);
        Row { key, version: self.database.commit(key).await }
    }
}
