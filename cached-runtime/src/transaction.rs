//! Around a database transaction: what is read inside of it is not cached, and what it invalidates waits for its commit.
//!
//! A load inside would store rows that nobody else can see yet; an invalidation sent before the commit leaves the way
//! open for a load that reads the rows from before it.
//!
//! Scopes of one cache may be open at the same time in one task: one inside of the other, as savepoints are, or of futures
//! that take turns. Which of them a call is about nobody can tell, so it is about all of them: what it invalidates goes
//! with each commit. One too many costs a miss, one too few would leave what is old.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use tokio::task;

use crate::cache::{Cache, Inner};
use crate::error::Error;
use crate::invalidate::Delivery;
use crate::policy::Policy;
use crate::site::Site;

/// A transaction's scope: see [`Cache::transaction`]. Dropped without [`commit`](Self::commit), it discards what was
/// queued.
#[derive(Debug)]
#[must_use = "dropped, it discards the invalidations that it queued: hold it, and `commit` it after the database has"]
pub struct Transaction {
    cache: Cache,
    open: Arc<Open>,
}

/// What is known of an open transaction to those who are inside of it.
#[derive(Debug)]
pub(crate) struct Open {
    place: Place,
    /// Names the cache.
    cache: usize,
    /// `None`: it has ended, and nothing that is queued now would be sent.
    queued: Mutex<Option<Vec<Arc<str>>>>,
}

/// The transactions that a caller is in.
#[derive(Debug)]
pub(crate) struct Inside(Vec<Arc<Open>>);

/// Whose transaction it is: the task's, or the thread's outside of any task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Task(task::Id),
    Thread(ThreadId),
}

impl Place {
    fn here() -> Self {
        task::try_id().map_or_else(|| Self::Thread(std::thread::current().id()), Self::Task)
    }
}

/// How many are open: while none is, a call looks at nothing else.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn all() -> MutexGuard<'static, HashMap<Place, Vec<Arc<Open>>>> {
    static ALL: OnceLock<Mutex<HashMap<Place, Vec<Arc<Open>>>>> = OnceLock::new();
    ALL.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(cache: &Arc<Inner>) -> usize {
    Arc::as_ptr(cache).addr()
}

impl Open {
    fn queued(&self) -> MutexGuard<'_, Option<Vec<Arc<str>>>> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Invalidates these with the commits. False: not all of these transactions are still open, so it has to be done at
    /// once.
    pub(crate) fn queue(&self, keys: &[Arc<str>]) -> bool {
        let mut open = true;
        for transaction in &self.0 {
            match &mut *transaction.queued() {
                Some(queued) => queued.extend_from_slice(keys),
                None => open = false,
            }
        }
        open
    }
}

impl Cache {
    /// Opens the scope of a database transaction. Until it is committed or dropped, calls of annotated functions in
    /// *this task* (or, outside of any task, on this thread) run their bodies and store nothing, and invalidations and
    /// write-throughs queue their keys.
    ///
    /// ```
    /// # use cached_runtime::{Cache, key};
    /// # struct Pool; struct Tx;
    /// # impl Pool { async fn begin(&self) -> Result<Tx, std::io::Error> { Ok(Tx) } }
    /// # impl Tx { async fn commit(self) -> Result<(), std::io::Error> { Ok(()) } }
    /// # async fn rename(_: &mut Tx, _: i64, _: &str) -> Result<(), std::io::Error> { Ok(()) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (cache, pool, id) = (Cache::in_memory(), Pool, 7);
    /// let scope = cache.transaction();
    /// let mut tx = pool.begin().await?;
    /// rename(&mut tx, id, "Ada").await?; // #[invalidate(key = "user:<id>", after_commit)]
    /// let committed = tx.commit().await;
    /// scope.commit().await?; // whatever the answer: a commit whose answer was lost may have taken place
    /// committed?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Futures that run inside of the same task (`join!`, `select!`) are in it too; tasks that it spawns are not.
    pub fn transaction(&self) -> Transaction {
        let queued = Mutex::new(Some(Vec::new()));
        let open = Arc::new(Open { place: Place::here(), cache: name(self.inner()), queued });
        all().entry(open.place).or_default().push(Arc::clone(&open));
        COUNT.fetch_add(1, Ordering::SeqCst);
        Transaction { cache: self.clone(), open }
    }
}

impl Transaction {
    /// Sends what was queued, in one round trip. Call it after the database has committed. Once it has begun, it sends
    /// that even if it is dropped.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused. The invalidations are queued then, as those of
    /// [`Cache::invalidate`]; the database has committed, so there is nothing to undo.
    pub async fn commit(self) -> Result<(), Error> {
        self.committing().deliver().await
    }

    /// From here on what was queued is sent, whatever happens.
    pub(crate) fn committing(self) -> Committing {
        static SITE: Site = Site::new("transaction", file!(), line!(), "", Policy::never());
        let mut keys = self.open.queued().take().unwrap_or_default();
        keys.sort_unstable();
        keys.dedup();
        let cache = self.cache.inner();
        let delivery = Delivery::of(cache, cache.stats.of(&SITE), keys);
        Committing { delivery, _open: self }
    }

    /// Whether there is one at all.
    #[inline]
    pub(crate) fn any() -> bool {
        COUNT.load(Ordering::SeqCst) != 0
    }

    /// The transactions over `cache` that the caller is in.
    pub(crate) fn inside(cache: &Arc<Inner>) -> Option<Inside> {
        if !Self::any() {
            return None;
        }
        let name = name(cache);
        let inside: Vec<_> = all().get(&Place::here())?.iter().filter(|open| open.cache == name).cloned().collect();
        (!inside.is_empty()).then_some(Inside(inside))
    }

    pub(crate) fn is_open(cache: &Arc<Inner>) -> bool {
        Self::inside(cache).is_some()
    }
}

/// A transaction whose commit is on its way.
pub(crate) struct Committing {
    delivery: Delivery,
    /// Still open meanwhile: what this task reads before the last key is gone is not to be cached.
    _open: Transaction,
}

impl Committing {
    pub(crate) async fn deliver(mut self) -> Result<(), Error> {
        self.delivery.deliver().await.map_err(Error::from)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.open.queued().take();
        let mut all = all();
        if let Some(here) = all.get_mut(&self.open.place) {
            here.retain(|open| !Arc::ptr_eq(open, &self.open));
            if here.is_empty() {
                all.remove(&self.open.place);
            }
            COUNT.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
