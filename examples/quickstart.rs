//! `cargo run --example quickstart`: annotated functions over a real database. With `REDIS_URL` set the same program
//! runs over Redis. Each step counts the queries that reached the database and fails if they are not what it promised.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cached_runtime::{Cache, cached, key};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::task::JoinSet;

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

/// The functions are what they were: same signatures, same errors, same bodies. Each runs its body only on a miss.
impl Users {
    /// `mutex`: however many callers and processes miss at once, one of them asks the database.
    #[cached(key = "quickstart:user:<id>", ttl = 3600, mutex)]
    async fn find(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        self.query();
        sqlx::query_as("SELECT * FROM users WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// `none_ttl`: that there is no such user is remembered too, for 30 seconds.
    #[cached(key = "quickstart:user:email:<email>", ttl = "1h", none_ttl = "30s")]
    async fn find_by_email(&self, email: &str) -> Result<Option<User>, sqlx::Error> {
        self.query();
        sqlx::query_as("SELECT * FROM users WHERE email = ?")
            .bind(email)
            .fetch_optional(&self.pool)
            .await
    }

    /// `|hash`: any `Serialize` value can be part of a key.
    #[cached(key = "quickstart:users:<filter|hash>", ttl = 60)]
    async fn list(&self, filter: &Filter) -> Result<Vec<User>, sqlx::Error> {
        self.query();
        let select = sqlx::query_as("SELECT * FROM users WHERE team = ? ORDER BY id LIMIT ?");
        select.bind(&filter.team).bind(filter.limit).fetch_all(&self.pool).await
    }

    async fn execute(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&self.pool).await.map(drop)
    }

    fn query(&self) {
        self.queries.fetch_add(1, Ordering::SeqCst);
    }

    /// Prints what a step cost; fails unless that is what was promised.
    fn cost(&self, step: &str, promised: u64) -> Result<(), String> {
        let queries = self.queries.swap(0, Ordering::SeqCst);
        println!(
            "{step:<64} {queries} {}",
            if queries == 1 { "query" } else { "queries" }
        );
        if queries == promised {
            Ok(())
        } else {
            Err(format!("promised were {promised}: {step}"))
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cache = Cache::from_env()?; // REDIS_URL, or in memory
    cache.install(); // from now on annotated functions use it
    println!(
        "cache: {}\n",
        if std::env::var("REDIS_URL").is_ok_and(|url| !url.is_empty()) {
            "Redis"
        } else {
            "in memory"
        }
    );

    // One connection: a second one would see a `:memory:` database of its own.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await?;
    let users = Arc::new(Users {
        pool,
        queries: AtomicU64::new(0),
    });
    users
        .execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, team TEXT)")
        .await?;
    users
        .execute(
            "INSERT INTO users VALUES (1, 'ada@example.com', 'Ada', 'core'), (2, 'alan@example.com', 'Alan', 'core'),
                                      (3, 'grace@example.com', 'Grace', 'navy')",
        )
        .await?;

    // This database is new: whatever an earlier run left in Redis is not about it.
    let (email, filter) = (
        "kurt@example.com",
        Filter {
            team: "core".to_owned(),
            limit: 10,
        },
    );
    for id in [1, 2, 404] {
        cache.invalidate(&key!("quickstart:user:<id>")).await?;
    }
    cache.invalidate(&key!("quickstart:user:email:<email>")).await?;
    cache.invalidate(&key!("quickstart:users:<filter|hash>")).await?;

    let ada = users.find(1).await?.ok_or("Ada is in the table")?;
    users.cost("a miss loads", 1)?;
    check(users.find(1).await? == Some(ada), "the cached row is the row")?;
    users.cost("a hit does not", 0)?;

    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let users = Arc::clone(&users);
        callers.spawn(async move { users.find(2).await });
    }
    while let Some(found) = callers.join_next().await {
        check(
            found??.is_some_and(|user| user.name == "Alan"),
            "every caller gets Alan",
        )?;
    }
    users.cost("100 callers at once of a cold key share one load", 1)?;

    let first = users.list(&filter).await?;
    check(
        first.len() == 2 && users.list(&filter).await? == first,
        "the list is the same twice",
    )?;
    users.cost("a list, keyed by a hash of its filter, twice", 1)?;

    users.execute("UPDATE users SET name = 'Ada L.' WHERE id = 1").await?;
    let id = 1;
    cache.invalidate(&key!("quickstart:user:<id>")).await?; // after the commit
    check(
        users.find(1).await?.is_some_and(|user| user.name == "Ada L."),
        "the new name is read",
    )?;
    users.cost("after an update and an invalidation the new row is loaded", 1)?;

    check(
        users.find(404).await?.is_none() && users.find(404).await?.is_none(),
        "there is no 404",
    )?;
    users.cost("an absent row, asked for twice, is not cached", 2)?;
    check(
        users.find_by_email(email).await?.is_none() && users.find_by_email(email).await?.is_none(),
        "no Kurt yet",
    )?;
    users.cost("an absent row, asked for twice, with `none_ttl`", 1)?;
    users
        .execute("INSERT INTO users VALUES (4, 'kurt@example.com', 'Kurt', 'core')")
        .await?;
    cache.invalidate(&key!("quickstart:user:email:<email>")).await?;
    check(users.find_by_email(email).await?.is_some(), "Kurt is found")?;
    users.cost("inserted and invalidated, it is found", 1)?;

    println!("\n{}", cache.stats());
    Ok(())
}

fn check(holds: bool, claim: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("does not hold: {claim}"))
    }
}
