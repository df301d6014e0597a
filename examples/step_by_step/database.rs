//! The products, in SQLite. Every read passes here and is counted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::sync::Barrier;
use tokio::time::timeout;

pub type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Product {
    pub id: i64,
    pub seller: i64,
    pub name: String,
    pub cents: i64,
}

pub struct Database {
    pool: SqlitePool,
    reads: AtomicU64,
    together: Mutex<Option<Arc<Barrier>>>,
}

const SCHEMA: &str = "
    CREATE TABLE products (id INTEGER PRIMARY KEY, seller INTEGER, name TEXT, cents INTEGER);
    WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 20)
    INSERT INTO products SELECT id, 7, 'product ' || id, 1000 + id FROM ids;
";

impl Database {
    pub async fn new() -> Result<Self> {
        // One connection: a second one would see a `:memory:` database of its own.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool, reads: AtomicU64::new(0), together: Mutex::default() })
    }

    pub async fn product(&self, seller: i64, id: i64) -> Result<Option<Product>> {
        self.read().await;
        self.row(seller, id).await
    }

    pub async fn products(&self, seller: i64, ids: &[i64]) -> Result<Vec<Product>> {
        self.read().await;
        let ids = serde_json::to_string(ids).unwrap_or_default();
        let select = "SELECT * FROM products WHERE seller = ? AND id IN (SELECT value FROM json_each(?))";
        sqlx::query_as(select).bind(seller).bind(ids).fetch_all(&self.pool).await
    }

    pub async fn reprice(&self, id: i64, cents: i64) -> Result<Product> {
        let update = sqlx::query_as("UPDATE products SET cents = ? WHERE id = ? RETURNING *");
        update.bind(cents).bind(id).fetch_one(&self.pool).await
    }

    pub async fn discount(&self, seller: i64) -> Result<()> {
        let update = sqlx::query("UPDATE products SET cents = cents * 9 / 10 WHERE seller = ?");
        update.bind(seller).execute(&self.pool).await.map(drop)
    }

    /// What is true. Not counted.
    pub async fn row(&self, seller: i64, id: i64) -> Result<Option<Product>> {
        let select = sqlx::query_as("SELECT * FROM products WHERE seller = ? AND id = ?");
        select.bind(seller).bind(id).fetch_optional(&self.pool).await
    }

    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    /// From now on a read takes as long as it takes until so many of them are under way: a slow query, without a clock.
    pub fn slow_until(&self, reads: usize) {
        *self.together.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Barrier::new(reads)));
    }

    pub fn fast(&self) {
        *self.together.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn read(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let together = self.together.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(together) = together {
            // Whoever waits for more than there will be finds out by the count.
            let _ = timeout(Duration::from_secs(2), together.wait()).await;
        }
    }
}
