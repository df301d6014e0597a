//! `cargo run --example expanded`: an annotated function, and beside it what the attribute makes of it, written by
//! hand. Both run, and must do the same.
//!
//! `__private` is there for expansions and may change with any version: code of your own that wants the same uses
//! `cache.get_or_load(key, policy, load)`.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use cached_runtime::Cache;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
struct User {
    id: i64,
    name: String,
}

static QUERIES: AtomicU64 = AtomicU64::new(0);

mod annotated {
    use super::*;

    #[cached_runtime::cached(key = "user:<id>", ttl = 3600, mutex, skip(pool))]
    pub async fn find_user(pool: &SqlitePool, id: i64) -> Result<Option<User>, sqlx::Error> {
        QUERIES.fetch_add(1, Ordering::SeqCst);
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(pool).await
    }
}

mod by_hand {
    use super::*;
    // The expansion writes every path out, from `::cached_runtime::__private`, so that nothing of yours can shadow it.
    use cached_runtime::__private::{Call, Duration, KeyWriter, Policy, Site, open, part, shape, typed};

    // The signature is untouched, and so are doc comments and other attributes.
    pub async fn find_user(pool: &SqlitePool, id: i64) -> Result<Option<User>, sqlx::Error> {
        // Where the function is, for its row in the statistics, and what its options say. Made at compile time.
        static SITE: Site = Site::new(
            concat!(module_path!(), "::find_user"),
            file!(),
            line!(),
            "user:<id>",
            Policy::ttl(Duration::from_millis(3_600_000)).mutex(),
        );

        // The key. `part` wants a `KeyPart`, writes it so that no two values look alike, and then the text that follows
        // it in the template: none. `pool` is skipped: it appears nowhere.
        let mut key = KeyWriter::new("user:");
        part(&mut key, &id, "");

        // One round trip: a hit, or the right to load, or a load elsewhere that is waited for. Whatever goes wrong with
        // the store, the answer is the right to load. The slot comes from code that knows no types; `shape!` asks the
        // compiler what the return type is (a `Result` of an `Option`: the `Ok` is stored, `None` is an absence), and
        // `share` says that waiters may get clones of the error if it has them.
        let call = Call::new(&SITE, key);
        let mut slot = typed(open(call).await, shape!(share Result<Option<User>, sqlx::Error>));
        if let Some(out) = slot.hit().await {
            return out;
        }

        // The body, where it was: its `return` and its `?` leave this block, not the code around it. `load` marks it as
        // the running load of this key, so that a call inside it never waits for itself.
        let out = slot
            .load(async move {
                // Never taken. It tells the block its type before the body is looked at, as the signature did.
                if let Some(out) = None::<Result<Option<User>, sqlx::Error>> {
                    return out;
                }
                {
                    QUERIES.fetch_add(1, Ordering::SeqCst);
                    sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(pool).await
                }
            })
            .await;

        // Is there something to store? An error goes straight back to the caller, and whoever waited is told.
        let value = match slot.settle(out) {
            Ok(value) => value,
            Err(out) => return out,
        };

        // The second round trip: the value takes the lease's place, if the lease is still there. After an invalidation
        // it is not, and nothing is stored. The waiters are answered here.
        slot.fill().await;

        // The value again, as the function returns it.
        slot.give(value)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await?;
    let schema = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
                  INSERT INTO users VALUES (1, 'Ada'), (2, 'Alan'), (3, 'Grace')";
    sqlx::raw_sql(schema).execute(&pool).await?;

    let annotated = exercise(annotated::find_user, &pool).await;
    let by_hand = exercise(by_hand::find_user, &pool).await;
    if annotated != by_hand {
        return Err(format!("the twin differs:\n{annotated:?}\n{by_hand:?}").into());
    }
    if by_hand.1 != 4 {
        return Err(format!("{} queries for a user, an absent one, a failure and fifty callers", by_hand.1).into());
    }

    // One stores, the other hits: the same key, the same bytes.
    let both = async {
        let stored = annotated::find_user(&pool, 1).await?;
        let read = by_hand::find_user(&pool, 1).await?;
        Ok::<_, sqlx::Error>(stored == read)
    };
    let same = Cache::in_memory().scope(both).await?;
    if !same || QUERIES.load(Ordering::SeqCst) != 1 {
        return Err("the twin does not read what the annotated function stored".into());
    }
    println!("Both do the same, and read each other's entries.");
    Ok(())
}

/// What one of the two showed: its answers, its queries, and the cache's figures.
type Shown = (Vec<Result<Option<User>, String>>, u64, [u64; 4]);

async fn exercise(
    find_user: impl AsyncFn(&SqlitePool, i64) -> Result<Option<User>, sqlx::Error>,
    pool: &SqlitePool,
) -> Shown {
    let cache = Cache::in_memory();
    let closed = pool_that_fails().await;
    let calls = async {
        // A miss, a hit, an absent row, a query that fails, and fifty callers at once.
        let mut answers = vec![
            find_user(pool, 1).await,
            find_user(pool, 1).await,
            find_user(pool, 404).await,
            find_user(&closed, 3).await,
        ];
        answers.extend(join_all((0..50).map(|_| find_user(pool, 2))).await);
        answers
    };
    let answers = cache.scope(calls).await.into_iter();
    let answers = answers.map(|answer| answer.map_err(|error| error.to_string()));
    let (answers, queries) = (answers.collect(), QUERIES.swap(0, Ordering::SeqCst));
    println!("{}", cache.stats());
    let total = cache.stats().total();
    // Hits and shared loads in one figure: which of the two a caller gets depends on how fast the database is.
    let figures = [total.hits + total.coalesced, total.loads, total.failures, total.stores];
    (answers, queries, figures)
}

async fn pool_that_fails() -> SqlitePool {
    let pool = SqlitePoolOptions::new().connect_lazy("sqlite::memory:");
    let pool = pool.expect("the URL is valid");
    pool.close().await;
    pool
}
