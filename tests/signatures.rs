//! The ten function shapes that Rust back ends really write, annotated without changing a word of them.
//!
//! Each is called twice; the second call must be a hit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use cached_runtime::{Cache, KeyPart, cached, key};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Executor, Sqlite, SqlitePool};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
struct User {
    id: i64,
    name: String,
}

#[derive(Debug)]
struct AppError(String);

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self(error.to_string())
    }
}

type AppResult<T> = Result<T, AppError>;
type QueryResult<T> = Result<T, sqlx::Error>;

async fn users() -> SqlitePool {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(SqliteConnectOptions::new().in_memory(true))
        .await
        .expect("SQLite in memory");
    for statement in [
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "INSERT INTO users VALUES (1, 'Ann'), (2, 'Bob')",
    ] {
        sqlx::query(statement).execute(&pool).await.expect(statement);
    }
    pool
}

/// Runs `check` with a cache of its own, on a task that may move between threads: every future must be `Send`.
fn with_cache<F: Future<Output = ()> + Send + 'static>(check: impl FnOnce(Cache) -> F + Send + 'static) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let cache = Cache::in_memory();
        tokio::spawn(cache.scope(check(cache.clone()))).await.expect("the check");
    });
}

fn assert_one_hit(cache: &Cache, function: &str) {
    let stats = cache.stats();
    let row = stats.function(function).unwrap_or_else(|| panic!("no {function} in\n{stats}"));
    assert_eq!((row.hits, row.loads), (1, 1), "{stats}");
}

// 1. A free function with its pool.

#[cached(key = "user:<id>", ttl = 60, skip(pool))]
pub async fn get_user(pool: &SqlitePool, id: i32) -> Result<User, AppError> {
    Ok(sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_one(pool).await?)
}

#[test]
fn a_free_function_with_its_pool() {
    with_cache(async |cache| {
        let pool = users().await;
        for _ in 0..2 {
            assert_eq!(get_user(&pool, 1).await.unwrap().name, "Ann");
        }
        assert_one_hit(&cache, "get_user");
    });
}

// 2. A method of a service.

#[derive(Clone)]
struct Service {
    pool: SqlitePool,
    tenant: String,
}

impl Service {
    #[cached(key = "{<self.tenant>}:user:<id>", ttl = "5m", mutex)]
    pub async fn get_user_of(&self, id: i64) -> Result<User, AppError> {
        Ok(sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_one(&self.pool).await?)
    }

    // 3. An alias for the result, an owned argument that the body consumes, an option.
    #[cached(key = "user:name:<username>", ttl = 60, none_ttl = "30s")]
    async fn get_user_by_name(&self, username: String) -> AppResult<Option<User>> {
        let owned: String = username;
        Ok(sqlx::query_as("SELECT * FROM users WHERE name = ?").bind(owned).fetch_optional(&self.pool).await?)
    }

    #[cached(key = "shared:<id>", ttl = 60)]
    async fn shared(self: Arc<Self>, id: i64) -> AppResult<i64> {
        Ok(id + i64::try_from(self.tenant.len()).map_err(|error| AppError(error.to_string()))?)
    }
}

#[test]
fn methods_aliases_and_owned_arguments() {
    with_cache(async |cache| {
        let service = Service { pool: users().await, tenant: "acme".to_owned() };
        for _ in 0..2 {
            assert_eq!(service.get_user_of(2).await.unwrap().name, "Bob");
            assert_eq!(service.get_user_by_name("Bob".to_owned()).await.unwrap().unwrap().id, 2);
            assert_eq!(Arc::new(service.clone()).shared(1).await.unwrap(), 5);
        }
        for _ in 0..2 {
            assert_eq!(service.get_user_by_name("Nobody".to_owned()).await.unwrap(), None);
        }
        assert_one_hit(&cache, "get_user_of");
        assert_one_hit(&cache, "shared");
        let stats = cache.stats();
        assert_eq!(stats.function("get_user_by_name").map(|row| (row.hits, row.loads)), Some((2, 2)), "{stats}");
    });
}

// 4. `#[async_trait]`, with `#[instrument]` between, an argument named `key`.

#[async_trait]
trait ConfigInterface {
    async fn find_config_by_key(&self, key: &str) -> AppResult<String>;

    #[cached(key = "default:<key>", ttl = 60)]
    async fn find_default(&self, key: &str) -> AppResult<String> {
        self.find_config_by_key(key).await.map(|value| value + "!")
    }
}

#[async_trait]
impl ConfigInterface for Service {
    #[tracing::instrument(skip_all)]
    #[cached(key = "config:<key>", ttl = 60)]
    async fn find_config_by_key(&self, key: &str) -> AppResult<String> {
        if key.is_empty() {
            return Err(AppError("empty".to_owned()));
        }
        Ok(format!("{}={key}", self.tenant))
    }
}

#[test]
fn async_trait_with_instrument() {
    with_cache(async |cache| {
        let service: Box<dyn ConfigInterface + Send + Sync> =
            Box::new(Service { pool: users().await, tenant: "acme".to_owned() });
        for _ in 0..2 {
            assert_eq!(service.find_config_by_key("a").await.unwrap(), "acme=a");
            assert_eq!(service.find_default("b").await.unwrap(), "acme=b!");
        }
        assert!(service.find_config_by_key("").await.is_err());
        let stats = cache.stats();
        assert_eq!(stats.function("find_default").map(|row| (row.hits, row.loads)), Some((1, 1)), "{stats}");
    });
}

// 5. A native async function in a trait.

trait UserRepository {
    fn get_by_id(&self, id: &str) -> impl Future<Output = Result<Option<User>, sqlx::Error>> + Send;
}

impl UserRepository for Service {
    #[cached(key = "native:<id>", ttl = 60, mutex)]
    async fn get_by_id(&self, id: &str) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.pool).await
    }
}

#[test]
fn a_native_async_trait() {
    with_cache(async |cache| {
        let service = Service { pool: users().await, tenant: "acme".to_owned() };
        for _ in 0..2 {
            assert_eq!(UserRepository::get_by_id(&service, "1").await.unwrap().unwrap().name, "Ann");
        }
        assert_one_hit(&cache, "get_by_id");
    });
}

// 6. Any executor, a newtype id, lifetimes and a where clause.

#[derive(Clone, Copy, KeyPart)]
struct DbUserId(i64);

#[cached(key = "db_user:<id>", ttl = 60, skip(executor))]
async fn get_id<'a, E>(id: DbUserId, executor: E) -> Result<Option<User>, sqlx::Error>
where
    E: Executor<'a, Database = Sqlite>,
{
    sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id.0).fetch_optional(executor).await
}

#[test]
fn any_executor_a_pool_and_a_transaction() {
    with_cache(async |cache| {
        let pool = users().await;
        for _ in 0..2 {
            assert_eq!(get_id(DbUserId(1), &pool).await.unwrap().unwrap().name, "Ann");
        }
        assert_one_hit(&cache, "get_id");
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("UPDATE users SET name = 'Uncommitted' WHERE id = 1").execute(&mut *tx).await.unwrap();
        let seen = Cache::disabled().scope(get_id(DbUserId(1), &mut *tx)).await;
        assert_eq!(seen.unwrap().unwrap().name, "Uncommitted");
        tx.rollback().await.unwrap();
        assert_eq!(get_id(DbUserId(1), &pool).await.unwrap().unwrap().name, "Ann");
    });
}

// 7. Getters and a hashed filter.

#[derive(Serialize)]
struct Filter {
    category: Option<String>,
}

struct Pagination {
    page: u32,
}

impl Pagination {
    fn page(&self) -> u32 {
        self.page
    }
}

#[cached(key = "users:<pagination.page()>:<filter|hash>", ttl = "1m30s", skip(pool))]
async fn list_users(pool: &SqlitePool, pagination: &Pagination, filter: &Filter) -> Result<Vec<User>, AppError> {
    let _ = &filter.category;
    Ok(sqlx::query_as("SELECT * FROM users ORDER BY id LIMIT 1 OFFSET ?").bind(pagination.page).fetch_all(pool).await?)
}

// 8. A list of ids, hashed as a whole.

#[cached(key = "users:<ids|hash>", ttl = 60, skip(pool))]
async fn get_many_ids(ids: &[i64], pool: &SqlitePool) -> QueryResult<Vec<User>> {
    let mut found = Vec::new();
    for id in ids {
        found.extend(sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(pool).await?);
    }
    Ok(found)
}

#[test]
fn lists_with_getters_and_hashes() {
    with_cache(async |cache| {
        let pool = users().await;
        for _ in 0..2 {
            let filter = Filter { category: None };
            assert_eq!(list_users(&pool, &Pagination { page: 1 }, &filter).await.unwrap()[0].name, "Bob");
            assert_eq!(get_many_ids(&[2, 1], &pool).await.unwrap()[0].name, "Bob");
        }
        assert_one_hit(&cache, "list_users");
        assert_one_hit(&cache, "get_many_ids");
        let books = Filter { category: Some("books".to_owned()) };
        assert_eq!(list_users(&pool, &Pagination { page: 0 }, &books).await.unwrap()[0].name, "Ann");
        assert_eq!(get_many_ids(&[1, 2], &pool).await.unwrap()[0].name, "Ann");
    });
}

// 9. A writer stays as it is; it invalidates by the key that the reader's template gives.

async fn rename(cache: &Cache, pool: &SqlitePool, id: i64, name: &str) -> AppResult<User> {
    let user = sqlx::query_as("UPDATE users SET name = ? WHERE id = ? RETURNING *")
        .bind(name)
        .bind(id)
        .fetch_one(pool)
        .await?;
    cache.invalidate(&key!("user:<id>")).await.map_err(|error| AppError(error.to_string()))?;
    Ok(user)
}

#[test]
fn a_writer_invalidates_by_the_same_template() {
    with_cache(async |cache| {
        let pool = users().await;
        assert_eq!(get_user(&pool, 1).await.unwrap().name, "Ann");
        rename(&cache, &pool, 1, "Anna").await.unwrap();
        assert_eq!(get_user(&pool, 1).await.unwrap().name, "Anna");
    });
}

// 10. Blocking and infallible.

static FINDS: AtomicU32 = AtomicU32::new(0);

struct Connection;

#[cached(key = "blocking:<id>", ttl = 60, mutex, skip(conn))]
fn find(conn: &mut Connection, id: i64) -> QueryResult<User> {
    let Connection = conn;
    FINDS.fetch_add(1, Ordering::SeqCst);
    if id < 0 {
        return Err(sqlx::Error::RowNotFound);
    }
    Ok(User { id, name: "blocking".to_owned() })
}

#[cached(key = "workspace:<id>", ttl = 60)]
async fn workspace(id: u8) -> Option<u32> {
    (id > 0).then_some(7)
}

#[cached(key = "products", ttl = never)]
async fn products() -> Vec<String> {
    vec!["pen".to_owned()]
}

#[test]
fn blocking_and_infallible_functions() {
    let cache = Cache::in_memory();
    cache.install();
    for _ in 0..2 {
        assert_eq!(find(&mut Connection, 1).unwrap().name, "blocking");
    }
    assert!(find(&mut Connection, -1).is_err());
    assert_eq!(FINDS.load(Ordering::SeqCst), 2);
    with_cache(async |cache| {
        for _ in 0..2 {
            assert_eq!(workspace(1).await, Some(7));
            assert_eq!(workspace(0).await, None);
            assert_eq!(products().await, ["pen"]);
        }
        assert_one_hit(&cache, "products");
        let stats = cache.stats();
        assert_eq!(stats.function("workspace").map(|row| (row.hits, row.loads)), Some((1, 3)), "{stats}");
    });
}
