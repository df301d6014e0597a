//! An sqlx transaction and the cache's scope around it, committed in the right order.

use std::fmt;
use std::ops::{Deref, DerefMut};

use sqlx::{Database, Pool, Transaction};

use crate::cache::Cache;
use crate::transaction;

/// An sqlx transaction inside of a [cache transaction](Cache::transaction): reads in it are not cached, and what it
/// invalidates is invalidated once the database has committed. Dropped, both are rolled back.
///
/// ```
/// use cached_runtime::{Cache, CacheTx, invalidate};
/// use sqlx::{Sqlite, SqlitePool, Transaction};
///
/// #[invalidate(key = "user:<id>", after_commit)]
/// async fn rename(tx: &mut Transaction<'_, Sqlite>, id: i64, name: &str) -> Result<(), sqlx::Error> {
///     sqlx::query("UPDATE users SET name = ? WHERE id = ?").bind(name).bind(id).execute(&mut **tx).await?;
///     Ok(())
/// }
///
/// async fn rename_both(cache: &Cache, pool: &SqlitePool) -> Result<(), sqlx::Error> {
///     let mut tx = CacheTx::begin(cache, pool).await?;
///     rename(&mut tx, 1, "Ada").await?;
///     rename(&mut tx, 2, "Bob").await?;
///     tx.commit().await
/// }
/// ```
#[must_use = "dropped, it is rolled back"]
pub struct CacheTx<'c, DB: Database> {
    // First: dropped, it rolls back while the scope still stands.
    tx: Transaction<'c, DB>,
    scope: transaction::Transaction,
}

impl<DB: Database> CacheTx<'static, DB> {
    /// Begins a transaction on a connection of the pool, for the task (or the thread) that calls this.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn begin(cache: &Cache, pool: &Pool<DB>) -> Result<Self, sqlx::Error> {
        Ok(Self { tx: pool.begin().await?, scope: cache.transaction() })
    }
}

impl<'c, DB: Database> CacheTx<'c, DB> {
    /// Around a transaction that has begun, and has written nothing so far.
    pub fn over(cache: &Cache, tx: Transaction<'c, DB>) -> Self {
        Self { tx, scope: cache.transaction() }
    }

    /// Commits the database, then sends the invalidations, even if it is dropped on the way. Those that the store does not acknowledge are queued, logged
    /// and counted: the database has committed, so they are no error of this call.
    ///
    /// # Errors
    ///
    /// The database's. Whether a commit that failed took place is not always known, so the invalidations are sent all
    /// the same.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { tx, scope } = self;
        // From before the commit is sent: dropped after that, it may have taken place.
        let invalidation = scope.committing();
        let committed = tx.commit().await;
        let _queued = invalidation.deliver().await;
        committed
    }

    /// Rolls the database back and discards the invalidations.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.tx.rollback().await
    }
}

impl<'c, DB: Database> Deref for CacheTx<'c, DB> {
    type Target = Transaction<'c, DB>;

    fn deref(&self) -> &Self::Target {
        &self.tx
    }
}

impl<DB: Database> DerefMut for CacheTx<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tx
    }
}

impl<DB: Database> fmt::Debug for CacheTx<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheTx").field("scope", &self.scope).finish_non_exhaustive()
    }
}
