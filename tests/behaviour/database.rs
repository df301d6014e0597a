//! A real database, for what only one can show: what is committed, and what is not yet.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub email: String,
    pub name: String,
    pub visits: i64,
}

/// A table of users in a file of its own, so that several connections see it, each what is committed.
pub struct Database {
    pub pool: SqlitePool,
    file: PathBuf,
}

impl Database {
    pub async fn empty() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("cached-users-{}-{number}.db", std::process::id()));
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.expect("SQLite in a file");
        let table = "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, \
                     name TEXT NOT NULL, visits INTEGER NOT NULL DEFAULT 0)";
        sqlx::query(table).execute(&pool).await.expect(table);
        Self { pool, file }
    }

    /// The row as it is committed, past every cache.
    pub async fn user(&self, id: i64) -> Option<User> {
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.pool).await.expect("a row")
    }

    pub async fn insert(&self, email: &str, name: &str) -> User {
        sqlx::query_as("INSERT INTO users (email, name) VALUES (?, ?) RETURNING *")
            .bind(email)
            .bind(name)
            .fetch_one(&self.pool)
            .await
            .expect("a new row")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut file = self.file.clone().into_os_string();
            file.push(suffix);
            let _ = std::fs::remove_file(file);
        }
    }
}
