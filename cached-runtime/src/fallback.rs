//! Loads without the cache: bounded, so that a database that was protected by it is not run over when it is gone.
//!
//! One flight per key is there anyhow; this bounds how many keys are loaded at a time. A caller waits a second for its
//! turn and then loads all the same: an answer that is late is better than none.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a load waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// The loads of one cache that run because its store is away.
#[derive(Debug)]
pub(crate) struct Fallback(Arc<Semaphore>);

/// The right to load, given back on drop.
#[derive(Debug)]
pub(crate) enum Turn {
    Bounded(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit),
    /// The second was over.
    OverBound,
}

impl Fallback {
    pub(crate) fn new(loads: usize) -> Self {
        Self(Arc::new(Semaphore::new(loads.clamp(1, Semaphore::MAX_PERMITS))))
    }

    pub(crate) async fn turn(&self) -> Turn {
        // Most of the time there is one.
        if let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() {
            return Turn::Bounded(permit);
        }
        match timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Turn::Bounded(permit),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Turn::OverBound,
        }
    }

    /// The same for who must not wait.
    pub(crate) fn try_turn(&self) -> Turn {
        Arc::clone(&self.0).try_acquire_owned().map_or(Turn::OverBound, Turn::Bounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_more_than_the_bound_waits_its_second_and_then_goes_on() {
        let fallback = Fallback::new(2);
        let (one, _two) = (fallback.turn().await, fallback.turn().await);
        let began = tokio::time::Instant::now();
        assert!(matches!(fallback.turn().await, Turn::OverBound));
        assert_eq!(began.elapsed(), PATIENCE);
        drop(one);
        assert!(matches!(fallback.turn().await, Turn::Bounded(_)));
        assert_eq!(began.elapsed(), PATIENCE);
    }
}
