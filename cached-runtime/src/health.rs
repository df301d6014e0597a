//! Whether the cache is used, as far as is known without asking.

use std::time::Duration;

use tokio::time::Instant;

use crate::background::InRuntime;
use crate::cache::Cache;
use crate::event;
use crate::export;
use crate::store::{Condition, StoreError};

/// See [`Cache::health`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// The store is asked.
    Up,
    /// The store is there and cannot be relied on: calls, or those that the reason names, run their bodies.
    Degraded {
        /// In words, for people.
        reason: String,
    },
    /// The store does not answer, or there is none: every call runs its body.
    Down,
}

/// What [`Cache::close`] could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// So many keys' invalidations were never acknowledged. Other processes serve what is stored under them until it
    /// expires.
    pub undelivered: usize,
}

/// How long [`Cache::close`] tries.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cache {
    /// Whether the cache is used, as this process knows from its own calls: nothing is asked. For a readiness probe:
    /// a service whose cache is down still answers, slower.
    pub fn health(&self) -> Health {
        let inner = self.inner();
        let Some(store) = inner.store() else { return Health::Down };
        match (store.condition(), inner.undelivered.len()) {
            (Condition::Down, _) => Health::Down,
            (Condition::ReadOnly, _) => Health::Degraded {
                reason: "the server refuses writes, so no invalidation could land there: calls run uncached".to_owned(),
            },
            (Condition::TooOld, _) => Health::Degraded {
                reason: "the server is older than Redis 6.2, the oldest that is supported: calls run uncached"
                    .to_owned(),
            },
            (Condition::Partly, _) => Health::Degraded {
                reason: "some servers of the cluster do not answer: calls for their keys run uncached".to_owned(),
            },
            (Condition::Up, 0) => match store.refusal() {
                Some(StoreError::OutOfMemory) => Health::Degraded {
                    reason: "the server is out of memory: what it has is served, nothing new is stored".to_owned(),
                },
                Some(StoreError::Refused(code)) => Health::Degraded {
                    reason: format!("the server refuses commands ({code}): calls that need them run uncached"),
                },
                _ => Health::Up,
            },
            (Condition::Up, waiting) => Health::Degraded {
                reason: format!("{waiting} invalidations wait to be delivered: calls for their keys run uncached"),
            },
        }
    }

    /// Before the process ends: delivers what invalidations are still queued, trying for up to five seconds, and says
    /// what was left. The cache stays usable.
    pub async fn close(&self) -> Closed {
        let inner = self.inner();
        let Some(store) = inner.store() else { return Closed { undelivered: 0 } };
        let flush = InRuntime::new(async move { inner.undelivered.flush(&*store, Instant::now() + PATIENCE).await });
        let undelivered = flush.await;
        export::publish();
        if undelivered > 0 {
            event::warning!("cache: closed with {undelivered} invalidations that were not delivered");
        }
        Closed { undelivered }
    }
}
