//! What users hold of a worker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::background::InRuntime;
use crate::cache::Cache;
use crate::error::Error;
use crate::queue::{self, Queue};
use crate::site::Site;

/// The worker of a `#[write_behind]` function, not yet at work: what the function named `..._worker` gives.
///
/// ```
/// use std::time::Duration;
/// use cached_runtime::{Cache, write_behind};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct User {
///     id: i64,
/// }
///
/// #[write_behind(key = "user:<user.id>", each = user in users, ttl = 3600)]
/// async fn save_users(users: Vec<User>) -> Result<(), std::io::Error> {
///     println!("{} users in one statement", users.len());
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// Cache::in_memory().install();
/// let worker = save_users_worker().spawn().await?;
/// save_users(vec![User { id: 1 }, User { id: 2 }]).await?;
/// worker.flush().await?;
/// assert_eq!(worker.stats().written, 2);
/// let left = worker.shutdown(Duration::from_secs(10)).await;
/// assert_eq!(left, 0);
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker writes nothing before it is spawned: call `.spawn().await`"]
pub struct WriteBehind {
    pub(super) site: &'static Site,
    pub(super) queue: &'static Queue,
    pub(super) cache: Option<Cache>,
    pub(super) write: queue::Body,
}

impl fmt::Debug for WriteBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind").field("function", &self.site.name).finish_non_exhaustive()
    }
}

impl WriteBehind {
    /// What has happened so far in this process, where calls have queued and no worker need be at work.
    pub fn stats(&self) -> QueueStats {
        let cache = self.cache.clone().or_else(|| Cache::current(self.site));
        cache.map(|cache| cache.inner().queues.of(self.queue, cache.inner()).counters.read().into()).unwrap_or_default()
    }

    /// Puts it to work on the caller's runtime, over the function's cache: the one that its `cache = ...` says, else the
    /// task's, else the installed one. Over a cache that is disabled, or without one, there is nothing to do.
    ///
    /// Of all workers of a queue, in all processes, one per shard is active. The others wait, and take over where one
    /// is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] where the store may lose what it has acknowledged, and the function does not `accept_loss`; or
    /// where another function of this process has a queue of the same name. A store that is away is no error: it is asked
    /// when it is back.
    pub async fn spawn(self) -> Result<Worker, Error> {
        self.sole()?;
        let Self { site, queue, cache, mut write } = self;
        let Some(cache) = cache.or_else(|| {
            let cache = Cache::current(site)?;
            // What the body calls uses it too, as it does in the task that has spawned this.
            let (body, own) = (Arc::clone(&write), cache.clone());
            write = Arc::new(move |batch| Box::pin(own.scope(body(batch))));
            Some(cache)
        }) else {
            return Ok(Worker(None));
        };
        let running = InRuntime::new(async move { queue.start(&cache, write).await }).await?;
        Ok(Worker(Some(running)))
    }
}

/// A worker that was spawned. Dropped, it stops as if its process had ended: what it had not written is written by the
/// next one.
#[must_use = "a worker ends when this is dropped: keep it, and call `shutdown` at the end"]
pub struct Worker(Option<queue::Worker>);

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Worker").field(&self.stats()).finish()
    }
}

impl Worker {
    /// Waits until everything is written, or put aside, that was queued before this call, by this worker or another one.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] where this worker has found out that the store may lose what it acknowledges, and so does not use
    /// it. While the store or the database is away it waits, without end: set a limit with `tokio::time::timeout`.
    pub async fn flush(&self) -> Result<(), Error> {
        match &self.0 {
            Some(worker) => InRuntime::new(worker.flush()).await,
            None => Ok(()),
        }
    }

    /// Begins no batch any more, and leaves the queue to no other worker either. Calls go on queueing.
    pub fn pause(&self) {
        if let Some(worker) = &self.0 {
            worker.pause();
        }
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        if let Some(worker) = &self.0 {
            worker.resume();
        }
    }

    /// Writes on until the queue is empty, or the deadline is over, and ends; at once where another worker is the active one.
    /// Gives how many writes are left in the queue: they wait there for the next worker, which begins a few seconds later
    /// where the deadline has ended a call of the body: a statement of that may still be under way.
    pub async fn shutdown(self, deadline: Duration) -> u64 {
        match self.0 {
            Some(worker) => InRuntime::new(worker.shutdown(deadline)).await,
            None => 0,
        }
    }

    /// What has happened so far.
    pub fn stats(&self) -> QueueStats {
        self.0.as_ref().map(|worker| worker.stats().into()).unwrap_or_default()
    }
}

/// What went through a queue, as this process has seen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Values that calls of this process have queued.
    pub accepted: u64,
    /// Calls of this process that have not queued their values, but run the body themselves.
    pub through: u64,
    /// Values in the queue, of all processes, when this one last looked.
    pub queued: u64,
    /// Values that this worker did not write, because a later one of their key was in the same batch.
    pub coalesced: u64,
    /// Values that this worker has written.
    pub written: u64,
    /// How often this worker has called the body.
    pub statements: u64,
    /// How many of these calls failed.
    pub retried: u64,
    /// Values that this worker has put aside.
    pub dead: u64,
}

impl From<queue::QueueCounts> for QueueStats {
    fn from(counts: queue::QueueCounts) -> Self {
        Self {
            accepted: counts.accepted,
            through: counts.through,
            queued: counts.queued,
            coalesced: counts.coalesced,
            written: counts.written,
            statements: counts.statements,
            retried: counts.retried,
            dead: counts.dead,
        }
    }
}
