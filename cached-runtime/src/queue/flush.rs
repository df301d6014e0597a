//! From what the stream holds to what the database has: one batch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::attempt::Attempt;
use super::batch::{Failed, Row};
use super::race::{First, race};
use super::tenure::Tenure;
use super::worker::Control;
use crate::entry::{Entry, Stored};
use crate::event;
use crate::store::queues::{Dead, Done, Flushed, Record};

/// Between attempts: grows from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It is done with.
    On,
    /// Nothing can be written now: the same again, with what has come by then.
    Down,
    /// The shard is somebody else's by now, or the worker is to stop, or the store is away.
    Ended,
}

/// How long the database has not written anything.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    tries: u32,
}

impl Trouble {
    pub(super) fn pause(&mut self) -> Duration {
        self.tries = self.tries.saturating_add(1);
        let pause = BACKOFF.0.saturating_mul(1 << self.tries.min(8).saturating_sub(1)).min(BACKOFF.1);
        pause.mul_f64(0.5 + 0.5 * fastrand::f64())
    }
}

/// What is to be written, and what is not any more.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) rows: Vec<Row>,
    /// Overtaken, or not readable.
    pub(super) done: Done,
    pub(super) void: usize,
}

impl Control {
    /// Coalesces, and leaves what is over so many rows for the next batch.
    pub(super) fn sort(&self, records: Vec<Record>, most: usize) -> Sorted {
        let mut sorted = Sorted::default();
        let mut last: HashMap<Arc<str>, usize> = HashMap::new();
        let mut rows: Vec<Option<Row>> = Vec::new();
        let mut count = 0;
        for record in records {
            let id = record.id;
            if record.void {
                sorted.void += 1;
                sorted.done.ids.push(id);
                // Only where it is the last of its key: what is in the cache is from somewhere else.
                sorted.done.flushed.push(Flushed { key: Arc::clone(&record.key), id, fill: 0, px: None });
                continue;
            }
            let before = last.get(&record.key).copied();
            let covers = self.queue.coalesce.then_some(before).flatten();
            if covers.is_none() && count >= most.max(1) {
                break;
            }
            let Entry::Value(stored) = Entry::parse(&record.entry, usize::MAX) else {
                sorted.done.ids.push(id);
                let reason = "what is queued is damaged".to_owned();
                sorted.done.dead.push(Dead { record, fill: 0, reason, before: None });
                continue;
            };
            let mut covered = Vec::new();
            if let Some(earlier) = covers.and_then(|at| rows.get_mut(at)).and_then(Option::take) {
                covered = earlier.covers;
                covered.push(earlier.record);
                count -= 1;
            }
            count += 1;
            last.insert(Arc::clone(&record.key), rows.len());
            rows.push(Some(Row { record, stored, covers: covered }));
        }
        sorted.rows = rows.into_iter().flatten().collect();
        sorted
    }

    /// Writes what was read, come what may but the loss of the shard.
    pub(super) async fn flush(&self, tenure: &Tenure, shard: usize, records: Vec<Record>) -> Flow {
        let Sorted { mut rows, done, void } = self.sort(records, self.queue.max_batch);
        if !done.ids.is_empty() {
            self.live.counters.coalesced(void);
            self.buried(&done);
            if !self.done(tenure, shard, done).await {
                return Flow::Ended;
            }
        }
        let mut trouble = Trouble::default();
        while !rows.is_empty() {
            match self.attempt(tenure, &rows.iter().collect::<Vec<_>>()).await {
                Attempt::Abandoned => return Flow::Ended,
                Attempt::Written => {
                    let rows: Vec<_> = rows.iter().collect();
                    return if self.written(tenure, shard, &rows).await { Flow::On } else { Flow::Ended };
                }
                Attempt::Failed(Failed { reason, unreadable, .. }) if !unreadable.is_empty() => {
                    let mut dead = Vec::new();
                    for at in unreadable.into_iter().rev() {
                        if at < rows.len() {
                            dead.push((rows.remove(at), reason.clone()));
                        }
                    }
                    if dead.is_empty() || !self.bury(tenure, shard, dead).await {
                        return Flow::Ended;
                    }
                }
                Attempt::Failed(_) if trouble.tries + 1 >= self.queue.retries.max(1) => {
                    return self.split(tenure, shard, rows).await;
                }
                Attempt::Failed(_) => {
                    if let First::Right(()) = race(sleep(trouble.pause()), self.abandoned(tenure)).await {
                        return Flow::Ended;
                    }
                }
            }
        }
        Flow::On
    }

    /// The database has these. False: it could not be said to the store.
    pub(super) async fn written(&self, tenure: &Tenure, shard: usize, rows: &[&Row]) -> bool {
        if rows.is_empty() {
            return true;
        }
        let mut done = Done::default();
        // The last of each key.
        let mut last: HashMap<&Arc<str>, &Row> = HashMap::new();
        for row in rows {
            done.ids.extend(row.ids());
            last.insert(&row.record.key, row);
        }
        let flushed = |row: &&Row| {
            let Stored { header, .. } = &row.stored;
            Flushed { key: Arc::clone(&row.record.key), id: row.record.id, fill: header.fill, px: header.ttl }
        };
        done.flushed = last.values().map(flushed).collect();
        let count = done.ids.len();
        let told = self.done(tenure, shard, done).await;
        if told {
            self.live.counters.written(rows.len());
            self.live.counters.coalesced(count - rows.len());
        }
        told
    }

    /// These are poison. What they were to replace is not: it comes with the next batch, and is served until then.
    pub(super) async fn bury(&self, tenure: &Tenure, shard: usize, poison: Vec<(Row, String)>) -> bool {
        let mut done = Done::default();
        for (mut row, reason) in poison {
            done.ids.push(row.record.id);
            let before = row.covers.pop();
            done.dead.push(Dead { fill: row.stored.header.fill, record: row.record, reason, before });
        }
        self.buried(&done);
        self.done(tenure, shard, done).await
    }

    fn buried(&self, done: &Done) {
        if done.dead.is_empty() {
            return;
        }
        self.live.counters.dead(done.dead.len());
        event::warning!(
            "cache: {} queued writes of `{}` could not be written and are among its dead letters ({}), each with the \
             reason; their keys are read from the database again",
            done.dead.len(),
            self.queue.name,
            self.live.names.dead
        );
    }

    /// Says so until it is heard: it says the same each time. False: the shard is lost, or the worker is to stop.
    async fn done(&self, tenure: &Tenure, shard: usize, done: Done) -> bool {
        let Some(queues) = self.store.queues() else { return false };
        let mut trouble = Trouble::default();
        loop {
            match queues.done(&self.live.names, shard, &tenure.lease, &done).await {
                Ok(told) => return told,
                Err(_) => {
                    if let First::Right(()) = race(sleep(trouble.pause()), self.abandoned(tenure)).await {
                        return false;
                    }
                }
            }
        }
    }
}
