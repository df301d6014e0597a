//! `cargo run --example quickstart`: annotated functions over a real database. With `REDIS_URL` set the same program
//! runs over Redis. Each step counts the queries that reached the database and fails if they are not what it promised.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cached_runtime::{Cache, cached, key};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
struct User {
    id: i64,
    email: String,
    name: String,
    team: String,
}

#[derive(Serialize)]
struct Filter {
    team: String,
    limit: i64,
}

struct Users {
    pool: SqlitePool,
    queries: AtomicU64,
}

const SCHEMA: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, team TEXT);
    INSERT INTO users VALUES (1, 'ada@example.com', 'Ada', 'core'), (2, 'alan@example.com', 'Alan', 'core');
";

/// The functions are what they were: same signatures, same errors, same bodies. Each runs its body only on a miss.
impl Users {
    /// `mutex`: however many callers and processes miss at once, one of them asks the database.
    #[cached(key = "quickstart:user:<id>", ttl = 3600, mutex)]
    async fn find(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        let select = sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id);
        select.fetch_optional(self.database().await).await
    }

    /// `none_ttl`: that there is no such user is remembered too, for 30 seconds.
    // cached: allow(unbounded-text): an address has 254 characters at most, and `cargo cached get` can be asked for it
    #[cached(key = "quickstart:user:email:<email>", ttl = "1h", none_ttl = "30s")]
    async fn find_by_email(&self, email: &str) -> Result<Option<User>, sqlx::Error> {
        let select = sqlx::query_as("SELECT * FROM users WHERE email = ?").bind(email);
        select.fetch_optional(self.database().await).await
    }

    /// `|hash`: any `Serialize` value can be part of a key.
    #[cached(key = "quickstart:users:<filter|hash>", ttl = 60)]
    async fn list(&self, filter: &Filter) -> Result<Vec<User>, sqlx::Error> {
        let select = sqlx::query_as("SELECT * FROM users WHERE team = ? ORDER BY id LIMIT ?");
        let select = select.bind(&filter.team).bind(filter.limit);
        select.fetch_all(self.database().await).await
    }

    /// Every query passes here and is counted. This database is in the same process: most are a few milliseconds away.
    async fn database(&self) -> &SqlitePool {
        self.queries.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        &self.pool
    }

    async fn write(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&self.pool).await.map(drop)
    }

    /// Prints what a step cost; fails unless that is what was promised and the answers were right.
    fn step(&self, step: &str, promised: u64, right: bool) -> Result<(), String> {
        let queries = self.queries.swap(0, Ordering::SeqCst);
        println!("{queries} load{} {step}", if queries == 1 { " " } else { "s" });
        if queries == promised && right {
            return Ok(());
        }
        Err(format!("promised: {promised} and the right answer (it was: {right})"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cache = Cache::from_env()?; // REDIS_URL, or in memory
    cache.install(); // from now on annotated functions use it
    let redis = std::env::var("REDIS_URL").is_ok_and(|url| !url.is_empty());
    println!("The cache is {}.\n", if redis { "Redis" } else { "in memory" });

    // One connection: a second one would see a `:memory:` database of its own.
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await?;
    let users = Users { pool, queries: AtomicU64::new(0) };
    users.write(SCHEMA).await?;

    // The database is new, so whatever an earlier run left in Redis is not about it.
    let email = "kurt@example.com";
    let filter = Filter { team: "core".to_owned(), limit: 10 };
    for id in [1, 2, 404] {
        cache.invalidate(&key!("quickstart:user:<id>")).await?;
    }
    cache.invalidate(&key!("quickstart:user:email:<email>")).await?;
    cache.invalidate(&key!("quickstart:users:<filter|hash>")).await?;

    let ada = users.find(1).await?;
    users.step("a miss runs the body", 1, ada.is_some())?;
    let again = users.find(1).await?;
    users.step("a hit does not", 0, again == ada)?;

    let found = join_all((0..100).map(|_| users.find(2))).await;
    let alan = |user: &&User| user.name == "Alan";
    let right = found.iter().flatten().flatten().filter(alan).count() == 100;
    users.step("100 callers of a cold key at once share one load", 1, right)?;

    let list = users.list(&filter).await?;
    let right = list.len() == 2 && users.list(&filter).await? == list;
    users.step("a list, keyed by a hash of its filter, twice", 1, right)?;

    users.write("UPDATE users SET name = 'Ada Lovelace' WHERE id = 1").await?;
    let id = 1;
    cache.invalidate(&key!("quickstart:user:<id>")).await?; // after the commit
    let ada = users.find(1).await?;
    let right = ada.is_some_and(|user| user.name == "Ada Lovelace");
    users.step("updated and invalidated: the new row", 1, right)?;

    let absent = users.find(404).await?.is_none() && users.find(404).await?.is_none();
    users.step("an absent row is not cached, asked for twice", 2, absent)?;
    let absent = users.find_by_email(email).await?.is_none() && users.find_by_email(email).await?.is_none();
    users.step("with `none_ttl` it is, asked for twice", 1, absent)?;
    users.write("INSERT INTO users VALUES (3, 'kurt@example.com', 'Kurt', 'core')").await?;
    cache.invalidate(&key!("quickstart:user:email:<email>")).await?;
    let there = users.find_by_email(email).await?.is_some();
    users.step("inserted and invalidated: there it is", 1, there)?;

    println!("\n{}", cache.stats());
    Ok(())
}
