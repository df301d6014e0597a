//! Around a database transaction: what is read inside of it is not cached, and what it invalidates waits for its commit.
//!
//! A load inside would store rows that nobody else can see yet; an invalidation sent before the commit leaves the way
//! open for a load that reads the rows from before it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use tokio::task;

use crate::cache::{Cache, Inner};
use crate::error::Error;
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
    queued: Mutex<Vec<Arc<str>>>,
}

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
    /// Invalidates these with the commit.
    pub(crate) fn queue(&self, keys: Vec<Arc<str>>) {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
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
    /// tx.commit().await?;
    /// scope.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Futures that run inside of the same task (`join!`, `select!`) are in it too; tasks that it spawns are not.
    pub fn transaction(&self) -> Transaction {
        let open = Arc::new(Open { place: Place::here(), cache: name(self.inner()), queued: Mutex::default() });
        all().entry(open.place).or_default().push(Arc::clone(&open));
        COUNT.fetch_add(1, Ordering::SeqCst);
        Transaction { cache: self.clone(), open }
    }
}

impl Transaction {
    /// Sends what was queued, in one round trip. Call it after the database has committed.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused. The invalidations are queued then, as those of
    /// [`Cache::invalidate`]; the database has committed, so there is nothing to undo.
    pub async fn commit(self) -> Result<(), Error> {
        static SITE: Site = Site::new("transaction", file!(), line!(), "", Policy::never());
        let mut keys = std::mem::take(&mut *self.open.queued.lock().unwrap_or_else(PoisonError::into_inner));
        keys.sort_unstable();
        keys.dedup();
        let cache = self.cache.inner();
        // Still open meanwhile: what this task reads before the last key is gone is not to be cached.
        cache.deliver(&keys, &cache.stats.of(&SITE)).await.map_err(Error::from)
    }

    /// The innermost transaction over `cache` that the caller is in.
    pub(crate) fn open(cache: &Arc<Inner>) -> Option<Arc<Open>> {
        if COUNT.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let name = name(cache);
        all().get(&Place::here())?.iter().rev().find(|open| open.cache == name).cloned()
    }

    pub(crate) fn is_open(cache: &Arc<Inner>) -> bool {
        Self::open(cache).is_some()
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
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
