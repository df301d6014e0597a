//! One call of the body.

use std::pin::pin;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::batch::{Batch, Failed, Row};
use super::race::{First, race};
use super::tenure::Tenure;
use super::worker::Control;

/// How it ended.
pub(super) enum Attempt {
    Written,
    Failed(Failed),
    /// Nobody knows: the shard is somebody else's by now, or the worker is to stop.
    Abandoned,
}

/// Ends the body with whoever waits for it.
struct Running(JoinHandle<Result<(), Failed>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Control {
    /// In a task of its own: a panic in it is a failure like another.
    pub(super) async fn attempt(&self, tenure: &Tenure, rows: &[&Row]) -> Attempt {
        let mut abandoned = pin!(self.abandoned(tenure));
        // Those of this process that write past the queue come first; what they overtake is not written any more.
        let gate = match race(self.live.gate.write(), abandoned.as_mut()).await {
            First::Left(gate) => gate,
            First::Right(()) => return Attempt::Abandoned,
        };
        if self.cache.undelivered.overtaken.concern(rows.iter().map(|row| &row.record.key)) {
            return Attempt::Abandoned;
        }
        let items = rows.iter().map(|row| row.taken()).collect();
        self.live.counters.statements();
        let body = Arc::clone(&self.body);
        let mut running = Running(tokio::spawn(async move { body(Batch { items }).await }));
        let ended = match race(&mut running.0, abandoned).await {
            First::Left(ended) => ended,
            First::Right(()) => {
                tenure.leave_to_expire();
                return Attempt::Abandoned;
            }
        };
        drop(gate);
        let failed = match ended {
            Ok(Ok(())) => {
                return Attempt::Written;
            }
            Ok(Err(failed)) if failed.newer => {
                tenure.stand_off();
                return Attempt::Abandoned;
            }
            Ok(Err(failed)) => failed,
            Err(error) if error.is_panic() => Failed::because("the function panicked"),
            // Its runtime shuts down.
            Err(_) => {
                tenure.leave_to_expire();
                return Attempt::Abandoned;
            }
        };
        self.live.counters.retried();
        Attempt::Failed(failed)
    }
}
