//! Whether what was acknowledged is in the database, and came there in order.

use std::collections::{HashMap, HashSet};

use sqlx::SqlitePool;

/// What callers were told.
#[derive(Debug, Default)]
pub struct Acknowledged {
    steps: HashSet<(i64, i64)>,
    last: HashMap<i64, i64>,
}

impl Acknowledged {
    pub fn add(&mut self, courier: i64, step: i64) {
        self.steps.insert((courier, step));
        let last = self.last.entry(courier).or_insert(step);
        *last = step.max(*last);
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }
}

/// What the database says to that.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Rows that were written.
    pub written: usize,
    /// Rows of those that were written before.
    pub again: usize,
    /// Acknowledged steps that are not there. Where only the last of a batch is written: that are not there, and no later
    /// one is.
    pub lost: usize,
    /// Steps that came after a later one of their courier, and had not come before.
    pub out_of_order: usize,
    /// Couriers whose last position is not the last that came.
    pub wrong: usize,
}

impl Verdict {
    pub fn holds(&self) -> bool {
        self.lost + self.out_of_order + self.wrong == 0
    }

    pub async fn on(acknowledged: &Acknowledged, pool: &SqlitePool, every_step: bool) -> Result<Self, sqlx::Error> {
        let log: Vec<(i64, i64)> = sqlx::query_as("SELECT courier, step FROM log ORDER BY id").fetch_all(pool).await?;
        let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT courier, step FROM positions").fetch_all(pool).await?;
        let mut verdict = Self { written: log.len(), ..Self::default() };
        let mut there = HashSet::new();
        let mut latest: HashMap<i64, i64> = HashMap::new();
        for (courier, step) in log {
            if !there.insert((courier, step)) {
                verdict.again += 1;
                continue;
            }
            let latest = latest.entry(courier).or_insert(step);
            verdict.out_of_order += usize::from(step < *latest);
            *latest = step.max(*latest);
        }
        verdict.lost = if every_step {
            acknowledged.steps.difference(&there).count()
        } else {
            let there = |(courier, last): (&i64, &i64)| latest.get(courier).is_some_and(|latest| latest >= last);
            acknowledged.last.iter().filter(|courier| !there(*courier)).count()
        };
        let rows: HashMap<i64, i64> = rows.into_iter().collect();
        verdict.wrong = latest.iter().filter(|(courier, latest)| rows.get(courier) != Some(latest)).count();
        Ok(verdict)
    }
}
