//! Where couriers are: the last position of each, written behind; and a log of every write that reached the database.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cached_runtime::{Cache, cached, write_behind, write_through};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Position {
    pub courier: i64,
    /// Grows with every report of a courier.
    pub step: i64,
    pub east: i64,
    pub north: i64,
}

impl Position {
    pub fn new(courier: i64, step: i64) -> Self {
        Self { courier, step, east: step % 1_000, north: (courier * 7 + step) % 1_000 }
    }
}

/// All rows in one statement, whatever their number. The condition is what keeps a row from being taken for a part of the
/// `SELECT`'s last clause.
const UPSERT: &str = "
    INSERT INTO positions (courier, step, east, north)
    SELECT value ->> 'courier', value ->> 'step', value ->> 'east', value ->> 'north' FROM json_each(?) WHERE true
    ON CONFLICT (courier) DO UPDATE SET step = excluded.step, east = excluded.east, north = excluded.north";

/// Not to see what is written, but to check it.
const LOG: &str = "
    INSERT INTO log (courier, step)
    SELECT value ->> 'courier', value ->> 'step' FROM json_each(?)";

#[write_behind(
    key = "courier:<position.courier>", each = position in positions, ttl = 3600, linger = "20ms", queue = "couriers",
    skip(pool)
)]
pub async fn report(pool: SqlitePool, positions: Vec<Position>) -> Result<(), sqlx::Error> {
    upsert(&pool, &positions).await
}

/// Likewise, for a database that wants to see every step.
#[write_behind(
    key = "courier:<position.courier>", each = position in positions, ttl = 3600, linger = "20ms", queue = "steps",
    coalesce = off, skip(pool)
)]
pub async fn report_every_step(pool: SqlitePool, positions: Vec<Position>) -> Result<(), sqlx::Error> {
    upsert(&pool, &positions).await
}

/// The same without a log, to measure what it takes.
#[write_behind(
    key = "courier:<position.courier>", each = position in positions, ttl = 3600, linger = "20ms", queue = "rows",
    skip(pool)
)]
pub async fn report_unseen(pool: SqlitePool, positions: Vec<Position>) -> Result<(), sqlx::Error> {
    sqlx::query(UPSERT).bind(rows(&positions)?).execute(&pool).await.map(drop)
}

/// What this is compared with.
#[write_through(key = "courier:<position.courier>", ttl = 3600, value = position)]
pub async fn report_now(pool: &SqlitePool, position: Position) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO positions (courier, step, east, north) VALUES (?, ?, ?, ?)
                  ON CONFLICT (courier) DO UPDATE SET step = excluded.step, east = excluded.east, north = excluded.north";
    let Position { courier, step, east, north } = position;
    sqlx::query(insert).bind(courier).bind(step).bind(east).bind(north).execute(pool).await.map(drop)
}

#[cached(key = "courier:<courier>", ttl = 3600, skip(pool))]
pub async fn find(pool: &SqlitePool, courier: i64) -> Result<Option<Position>, sqlx::Error> {
    let select = "SELECT courier, step, east, north FROM positions WHERE courier = ?";
    sqlx::query_as(select).bind(courier).fetch_optional(pool).await
}

fn rows(positions: &[Position]) -> Result<String, sqlx::Error> {
    serde_json::to_string(positions).map_err(|error| sqlx::Error::Encode(error.into()))
}

async fn upsert(pool: &SqlitePool, positions: &[Position]) -> Result<(), sqlx::Error> {
    let rows = rows(positions)?;
    let mut transaction = pool.begin().await?;
    sqlx::query(UPSERT).bind(&rows).execute(&mut *transaction).await?;
    sqlx::query(LOG).bind(&rows).execute(&mut *transaction).await?;
    crate::child::tell_of_batch(positions.len());
    transaction.commit().await
}

/// The cache of every process here. An append that waits for the disk may take longer than a read, and a call that is
/// given up writes its row itself.
pub fn cache(redis: &str, prefix: &str) -> Result<Cache, cached_runtime::Error> {
    Cache::builder().redis(redis).prefix(prefix).timeout(Duration::from_secs(2)).build()
}

/// A directory on the disk that this was built on, gone with the example. (A system's temporary files may be in memory.)
pub struct Directory(PathBuf);

impl Directory {
    pub fn create() -> Result<Self, Box<dyn Error>> {
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("a program is in a directory")?;
        let path = beside.join(format!("write-behind-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// As SQLite is out of the box: every commit is on the disk when it returns.
pub async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    SqlitePoolOptions::new().max_connections(4).connect_with(options).await
}

pub async fn create(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let pool = open(file).await?;
    let schema = "
        CREATE TABLE positions (
            courier INTEGER PRIMARY KEY, step INTEGER NOT NULL, east INTEGER NOT NULL, north INTEGER NOT NULL
        );
        CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, courier INTEGER NOT NULL, step INTEGER NOT NULL);
    ";
    sqlx::raw_sql(schema).execute(&pool).await?;
    Ok(pool)
}
