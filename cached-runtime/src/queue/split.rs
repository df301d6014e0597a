//! A batch that fails again and again: is it one of its writes, or the database?
//!
//! What fails alone while others are written is poison; where everything fails it is the database, and nobody is to blame.
//! A database that goes down in between looks like poison for a moment. So a suspect has a second chance, and after it the
//! *canary*, a write that has just succeeded, is written once more: only if it sings are the suspects poison.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::sleep;

use super::attempt::Attempt;
use super::batch::Row;
use super::flush::{Flow, Trouble};
use super::race::{First, race};
use super::tenure::Tenure;
use super::worker::Control;
use crate::store::queues::Id;

/// So many that fail alone, and none that is written: it is the database.
const SUSPICIOUS: usize = 3;

/// How many writes after the batch are looked at.
const BEYOND: usize = 500;

/// How a split goes.
#[derive(Default)]
struct Split {
    /// In the order in which they were written.
    written: Vec<Row>,
    suspects: Vec<(Row, String)>,
}

enum Tried {
    Written,
    Failed(String),
}

impl Control {
    pub(super) async fn split(&self, tenure: &Tenure, shard: usize, rows: Vec<Row>) -> Flow {
        let mut split = Split::default();
        let beyond = rows.last().map(|row| row.record.id);
        let keys: Vec<Arc<str>> = rows.iter().map(|row| Arc::clone(&row.record.key)).collect();
        let mut parts = VecDeque::from([by_key(rows)]);
        while let Some(mut units) = parts.pop_front() {
            if split.written.is_empty() && split.suspects.len() >= SUSPICIOUS {
                break;
            }
            let Some(tried) = self.try_rows(tenure, &units.concat()).await else { return Flow::Ended };
            match tried {
                Tried::Written => split.written.extend(units.into_iter().flatten()),
                Tried::Failed(_) if units.len() > 1 => {
                    let rest = units.split_off(units.len() / 2);
                    parts.push_front(rest);
                    parts.push_front(units);
                }
                // What comes after it of its key waits for the next batch.
                Tried::Failed(reason) => {
                    let unit = units.into_iter().flatten().collect::<Vec<_>>();
                    let alone = unit.len() == 1;
                    for row in unit {
                        let tried = if alone {
                            Some(Tried::Failed(reason.clone()))
                        } else {
                            self.try_rows(tenure, std::slice::from_ref(&row)).await
                        };
                        match tried {
                            None => return Flow::Ended,
                            Some(Tried::Written) => split.written.push(row),
                            Some(Tried::Failed(reason)) => {
                                split.suspects.push((row, reason));
                                break;
                            }
                        }
                    }
                }
            }
        }
        if split.written.is_empty() {
            match self.beyond(tenure, shard, beyond, &keys).await {
                None => return Flow::Ended,
                Some(None) => return Flow::Down,
                Some(Some(row)) => split.written.push(row),
            }
        }
        self.judge(tenure, shard, split).await
    }

    /// Who is poison, now that something was written.
    async fn judge(&self, tenure: &Tenure, shard: usize, split: Split) -> Flow {
        let Split { mut written, suspects } = split;
        // Not told to the store before the end: past the queue nobody writes a key that is queued.
        let canary = written.pop();
        if !self.written(tenure, shard, &written.iter().collect::<Vec<_>>()).await {
            return Flow::Ended;
        }
        let Some(canary) = canary else { return Flow::Down };
        let mut poison = Vec::new();
        if !suspects.is_empty() {
            let pause = race(sleep(Trouble::default().pause()), self.abandoned(tenure));
            if let First::Right(()) = pause.await {
                return Flow::Ended;
            }
        }
        for (row, _) in suspects {
            match self.try_rows(tenure, std::slice::from_ref(&row)).await {
                None => return Flow::Ended,
                Some(Tried::Failed(reason)) => poison.push((row, reason)),
                Some(Tried::Written) => {
                    if !self.written(tenure, shard, &[&row]).await {
                        return Flow::Ended;
                    }
                }
            }
        }
        let mut flow = Flow::On;
        if !poison.is_empty() {
            match self.try_rows(tenure, std::slice::from_ref(&canary)).await {
                None => return Flow::Ended,
                Some(Tried::Failed(_)) => flow = Flow::Down,
                Some(Tried::Written) if !self.bury(tenure, shard, poison).await => return Flow::Ended,
                Some(Tried::Written) => {}
            }
        }
        if self.written(tenure, shard, &[&canary]).await { flow } else { Flow::Ended }
    }

    /// Some writes after the batch, of other keys: with nothing else to compare with, a batch that is all poison would be
    /// taken for a database that is down, for good. `Some(None)`: there is none, or they fail too.
    async fn beyond(&self, tenure: &Tenure, shard: usize, last: Option<Id>, keys: &[Arc<str>]) -> Option<Option<Row>> {
        let Some(last) = last else { return Some(None) };
        let from = Id { number: last.number.saturating_add(1), ..last };
        let mut records = self.read(tenure, shard, from, BEYOND).await?;
        // Left out of the batch may be what is before its last row.
        records.retain(|record| !keys.contains(&record.key));
        let mut first = by_key(self.sort(records, BEYOND).rows);
        // Of each key the oldest.
        for row in first.drain(..).filter_map(|unit| unit.into_iter().next()).take(SUSPICIOUS) {
            match self.try_rows(tenure, std::slice::from_ref(&row)).await? {
                Tried::Written => return Some(Some(row)),
                Tried::Failed(_) => {}
            }
        }
        Some(None)
    }

    /// `None`: abandoned.
    async fn try_rows(&self, tenure: &Tenure, rows: &[Row]) -> Option<Tried> {
        match self.attempt(tenure, &rows.iter().collect::<Vec<_>>()).await {
            Attempt::Abandoned => None,
            Attempt::Written => Some(Tried::Written),
            Attempt::Failed(failed) => Some(Tried::Failed(failed.reason)),
        }
    }
}

/// The writes of one key, in their order; the keys in any: the same ones are not to come first each time.
fn by_key(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut units: Vec<Vec<Row>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in rows {
        let at = *places.entry(Arc::clone(&row.record.key)).or_insert(units.len());
        match units.get_mut(at) {
            Some(unit) => unit.push(row),
            None => units.push(vec![row]),
        }
    }
    fastrand::shuffle(&mut units);
    units
}
