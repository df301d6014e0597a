//! A database on disk that several processes write: the rows, and every write in the order in which it came.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cached_runtime::__private::{Body, Failed, QueueBatch};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::table::Row;

#[derive(Clone)]
pub struct Database(SqlitePool);

impl Database {
    pub async fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::from_str(&format!("sqlite://{}", file.display())).expect("a file");
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePool::connect_with(options).await.expect("a database");
        for table in [
            "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
            "CREATE TABLE IF NOT EXISTS history (at INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER, value INTEGER)",
        ] {
            sqlx::query(table).execute(&pool).await.expect("a table");
        }
        Self(pool)
    }

    pub fn body(&self) -> Body {
        let database = self.clone();
        Arc::new(move |batch| {
            let database = database.clone();
            Box::pin(async move { database.write(&batch).await })
        })
    }

    async fn write(&self, batch: &QueueBatch) -> Result<(), Failed> {
        let written = async {
            let mut transaction = self.0.begin().await?;
            for item in batch.items() {
                let Row { id, value } = item.value().expect("a row");
                let (id, value) = (i64::try_from(id).expect("small"), i64::try_from(value).expect("small"));
                for statement in [
                    "INSERT INTO rows (id, value) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
                    "INSERT INTO history (id, value) VALUES (?, ?)",
                ] {
                    sqlx::query(statement).bind(id).bind(value).execute(&mut *transaction).await?;
                }
            }
            transaction.commit().await
        };
        written.await.map_err(|error: sqlx::Error| Failed::because(error.to_string()))
    }

    pub async fn rows(&self) -> HashMap<u64, u64> {
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT id, value FROM rows").fetch_all(&self.0).await.expect("a table");
        rows.into_iter().map(|(id, value)| (id.unsigned_abs(), value.unsigned_abs())).collect()
    }

    /// The values of each row, in the order in which they were written.
    pub async fn histories(&self) -> HashMap<u64, Vec<u64>> {
        let writes: Vec<(i64, i64)> =
            sqlx::query_as("SELECT id, value FROM history ORDER BY at").fetch_all(&self.0).await.expect("a table");
        let mut histories: HashMap<u64, Vec<u64>> = HashMap::new();
        for (id, value) in writes {
            histories.entry(id.unsigned_abs()).or_default().push(value.unsigned_abs());
        }
        histories
    }
}
