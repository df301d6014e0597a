//! The table, the functions that read it, and the log of loads. The log is in the database itself: it counts what
//! really ran, in whichever process.

use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cached_runtime::cached;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// How long a query takes.
pub const LOAD: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub text: String,
}

/// When a body ran.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Load {
    pub began: i64,
    pub ended: i64,
}

pub struct Rows {
    pool: SqlitePool,
    redis: MultiplexedConnection,
    process: u32,
    /// This process's loads since somebody took them.
    ended: Mutex<Vec<Load>>,
}

impl Rows {
    /// One query for all processes.
    #[cached(key = "guarded:<id>", ttl = 60, mutex)]
    pub async fn find_with_mutex(&self, id: i64) -> Result<Option<Row>, sqlx::Error> {
        self.slow_query(id).await
    }

    /// One query for the callers of one process that come before it begins.
    #[cached(key = "plain:<id>", ttl = 60)]
    pub async fn find(&self, id: i64) -> Result<Option<Row>, sqlx::Error> {
        self.slow_query(id).await
    }

    /// What a tutorial says.
    pub async fn find_by_hand(&self, id: i64) -> Result<Option<Row>, sqlx::Error> {
        let (mut redis, key) = (self.redis.clone(), format!("by_hand:{id}"));
        let cached: Option<String> = redis.get(&key).await.unwrap_or_default();
        if let Some(row) = cached.and_then(|text| serde_json::from_str(&text).ok()) {
            return Ok(Some(row));
        }
        let row = self.slow_query(id).await?;
        if let Some(text) = row.as_ref().and_then(|row| serde_json::to_string(row).ok()) {
            let _: Result<(), _> = redis.set_ex(&key, text, 60).await;
        }
        Ok(row)
    }

    async fn slow_query(&self, id: i64) -> Result<Option<Row>, sqlx::Error> {
        let began = now();
        let log = sqlx::query("INSERT INTO loads (id, process) VALUES (?, ?)");
        log.bind(id).bind(self.process).execute(&self.pool).await?;
        tokio::time::sleep(LOAD).await;
        let select = sqlx::query_as("SELECT id, text FROM rows WHERE id = ?").bind(id);
        let row = select.fetch_optional(&self.pool).await?;
        self.lock().push(Load { began, ended: now() });
        Ok(row)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Load>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn take_ended(&self) -> Vec<Load> {
        std::mem::take(&mut *self.lock())
    }

    pub async fn open(file: &Path, process: u32, redis: &str) -> Result<Self, Box<dyn Error>> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // The figures are about the cache: nobody waits for a disk.
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().connect_with(options).await?;
        let redis = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
        Ok(Self { pool, redis, process, ended: Mutex::default() })
    }

    pub async fn create(&self) -> Result<(), sqlx::Error> {
        let schema = "
            CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
            CREATE TABLE loads (id INTEGER NOT NULL, process INTEGER NOT NULL);
        ";
        sqlx::raw_sql(schema).execute(&self.pool).await.map(drop)
    }

    pub async fn insert(&self, row: &Row) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("INSERT INTO rows (id, text) VALUES (?, ?)");
        insert.bind(row.id).bind(&row.text).execute(&self.pool).await.map(drop)
    }

    /// For each load of one row, the process that ran it.
    pub async fn loads(&self, id: i64) -> Result<Vec<u32>, sqlx::Error> {
        let select = sqlx::query_scalar("SELECT process FROM loads WHERE id = ?");
        select.bind(id).fetch_all(&self.pool).await
    }
}

impl Row {
    pub fn numbered(id: i64) -> Self {
        Self { id, text: format!("row {id}") }
    }
}

/// Microseconds since 1970: the one clock that the standard library reads alike in every process. A run during which
/// somebody sets it shows absurd figures.
pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// A directory that is removed afterwards.
pub struct Directory(std::path::PathBuf);

impl Directory {
    pub fn create() -> Result<Self, Box<dyn Error>> {
        let name = format!("cached-stampede-{}-{}", std::process::id(), now());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
