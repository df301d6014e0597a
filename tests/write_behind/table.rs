//! The database, as the tests see it: which writes came, in which order; and how it fails.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cached_runtime::__private::{Accepted, Body, Failed, Item, Policy, Queue, QueueBatch, QueueId, Site, Worker};
use cached_runtime::{Cache, Key, key};
use serde::{Deserialize, Serialize};

use crate::support::eventually;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub id: u64,
    pub value: u64,
}

pub fn row(id: u64, value: u64) -> Row {
    Row { id, value }
}

pub fn key_of(id: u64) -> Key {
    key!("row:<id>")
}

pub static SITE: Site = Site::new("save_rows", file!(), line!(), "row:<row.id>", Policy::ttl(Duration::from_secs(60)));

/// A table in memory. Clones are the same one.
#[derive(Clone, Default)]
pub struct Table(Arc<State>);

#[derive(Default)]
struct State {
    rows: Mutex<HashMap<u64, u64>>,
    batches: Mutex<Vec<Vec<(QueueId, Row)>>>,
    poison: Mutex<HashSet<u64>>,
    down: AtomicBool,
}

impl Table {
    pub fn value(&self, id: u64) -> Option<u64> {
        self.0.rows.lock().expect("a lock").get(&id).copied()
    }

    pub fn set(&self, row: &Row) {
        self.0.rows.lock().expect("a lock").insert(row.id, row.value);
    }

    /// Every batch that was written, in order.
    pub fn batches(&self) -> MutexGuard<'_, Vec<Vec<(QueueId, Row)>>> {
        self.0.batches.lock().expect("a lock")
    }

    /// The values of one row, in the order in which they were written.
    pub fn history(&self, id: u64) -> Vec<u64> {
        self.batches().iter().flatten().filter(|(_, row)| row.id == id).map(|(_, row)| row.value).collect()
    }

    /// It refuses this value.
    pub fn refuse(&self, value: u64) {
        self.0.poison.lock().expect("a lock").insert(value);
    }

    pub fn down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    fn write(&self, batch: &QueueBatch) -> Result<(), Failed> {
        if self.0.down.load(Ordering::SeqCst) {
            return Err(Failed::because("the database is down"));
        }
        let mut rows = Vec::new();
        for item in batch.items() {
            rows.push((item.id(), item.value::<Row>().expect("a row")));
        }
        let poison = self.0.poison.lock().expect("a lock");
        if let Some((_, bad)) = rows.iter().find(|(_, row)| poison.contains(&row.value)) {
            return Err(Failed::because(format!("value {} is refused", bad.value)));
        }
        for (_, row) in &rows {
            self.set(row);
        }
        self.batches().push(rows);
        Ok(())
    }

    pub fn body(&self) -> Body {
        let table = self.clone();
        Arc::new(move |batch| {
            let table = table.clone();
            Box::pin(async move { table.write(&batch) })
        })
    }

    pub async fn worker(&self, queue: &'static Queue, cache: &Cache) -> Worker {
        queue.start(cache, self.body()).await.expect("a worker")
    }
}

pub fn items(cache: &Cache, rows: &[Row]) -> Vec<Item> {
    let item = |row: &Row| Item::of(key_of(row.id), cache, row).expect("storable");
    rows.iter().map(item).collect()
}

/// One call that must be queued.
pub async fn save(queue: &'static Queue, cache: &Cache, rows: &[Row]) {
    match queue.accept(&SITE, cache, items(cache, rows)).await {
        Accepted::Queued => {}
        other => panic!("not queued: {other:?}"),
    }
}

/// What a reader has: from the cache, or else from the table.
pub async fn read(cache: &Cache, table: &Table, id: u64) -> Option<u64> {
    let policy = cached_runtime::Policy::ttl(Duration::from_secs(60));
    let load = || async { Ok::<_, std::convert::Infallible>(table.value(id).map(|value| row(id, value))) };
    let Ok(found) = cache.get_or_load(key_of(id), policy, load).await;
    found.map(|row| row.value)
}

/// What the cache holds.
pub async fn read_cached(cache: &Cache, id: u64) -> Option<u64> {
    cache.get::<Row>(key_of(id)).await.map(|row| row.value)
}

pub async fn until_written(table: &Table, id: u64, value: u64) {
    eventually("the row in the table", async || table.value(id) == Some(value)).await;
}
