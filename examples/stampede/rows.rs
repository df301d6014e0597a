//! The table, the functions that read it, and the log of loads. The log is in the database itself: it counts what
//! really ran, in whichever process.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cached_runtime::cached;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// How long a query takes.
pub const LOAD: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub text: String,
}

/// One entry of the log.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Load {
    pub process: u32,
    pub began: i64,
    pub ended: i64,
}

pub struct Rows {
    pool: SqlitePool,
    process: u32,
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

    async fn slow_query(&self, id: i64) -> Result<Option<Row>, sqlx::Error> {
        let log = sqlx::query("INSERT INTO loads (id, process, began) VALUES (?, ?, ?)");
        let log = log.bind(id).bind(self.process).bind(now());
        let entry = log.execute(&self.pool).await?.last_insert_rowid();
        tokio::time::sleep(LOAD).await;
        let select = sqlx::query_as("SELECT id, text FROM rows WHERE id = ?").bind(id);
        let row = select.fetch_optional(&self.pool).await?;
        let log = sqlx::query("UPDATE loads SET ended = ? WHERE entry = ?");
        log.bind(now()).bind(entry).execute(&self.pool).await?;
        Ok(row)
    }

    pub async fn open(file: &Path, process: u32) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // The figures are about the cache: nobody waits for a disk.
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().connect_with(options).await?;
        Ok(Self { pool, process })
    }

    pub async fn create(&self) -> Result<(), sqlx::Error> {
        let schema = "
            CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
            CREATE TABLE loads (entry INTEGER PRIMARY KEY, id INTEGER, process INTEGER, began INTEGER, ended INTEGER);
        ";
        sqlx::raw_sql(schema).execute(&self.pool).await.map(drop)
    }

    pub async fn insert(&self, row: &Row) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("INSERT INTO rows (id, text) VALUES (?, ?)");
        insert.bind(row.id).bind(&row.text).execute(&self.pool).await.map(drop)
    }

    /// The loads of one row, in the order in which they began.
    pub async fn loads(&self, id: i64) -> Result<Vec<Load>, sqlx::Error> {
        let select = sqlx::query_as("SELECT process, began, ended FROM loads WHERE id = ? ORDER BY began");
        select.bind(id).fetch_all(&self.pool).await
    }
}

impl Row {
    pub fn numbered(id: i64) -> Self {
        Self {
            id,
            text: format!("row {id}"),
        }
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
