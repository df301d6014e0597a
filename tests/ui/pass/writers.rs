//! `#[invalidate]` on every shape of function: what was stored under its keys is gone after an `Ok`, and there after an
//! `Err`.

#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cached_runtime::{Cache, Key, invalidate, key};
use tracing::instrument;

type Fallible<T> = Result<T, String>;

#[derive(Debug, PartialEq)]
struct Row {
    id: u32,
    email: String,
}

impl Row {
    fn new(id: u32) -> Self {
        Self { id, email: format!("{id}@example.com") }
    }
}

fn checked(id: u32) -> Fallible<()> {
    if id == 0 { Err("zero".to_owned()) } else { Ok(()) }
}

// Early returns and `?` are in the body, and the invalidation around it.
#[invalidate(key = "row:<id>", key = "email:<result.email>")]
async fn asynchronous(id: u32, _name: &str) -> Fallible<Row> {
    if id == 9 {
        return Ok(Row::new(9));
    }
    checked(id)?;
    Ok(Row::new(id))
}

#[invalidate(key = "row:<id>")]
async fn nothing(id: u32) {
    tokio::task::yield_now().await;
    if id == 0 {
        return;
    }
    assert!(id > 0);
}

#[invalidate(key = "row:<id>")]
async fn unit(id: u32) -> () {
    tokio::task::yield_now().await;
    let _written = id;
}

// An `Option` is no failure; without a `Some` the key of the result is left out.
#[invalidate(key = "row:<id>", key = "email:<result.email>")]
async fn perhaps(id: u32) -> Option<Row> {
    (id > 0).then(|| Row::new(id))
}

// The arguments are gone when the result is there.
#[invalidate(key = "<name>:<result.id>", two_phase, when = !name.is_empty())]
async fn consuming(name: String, row: Row) -> Fallible<Row> {
    drop(name);
    checked(row.id)?;
    Ok(row)
}

// What is returned may be borrowed: nothing of it is stored.
#[invalidate(key = "row:<result.id>", key = "name:<result.email>")]
async fn borrowing(row: &Row) -> Fallible<&Row> {
    checked(row.id)?;
    Ok(row)
}

#[invalidate(key = "row:<id>", key = "email:<result.email>")]
fn blocking(id: u32) -> Fallible<Row> {
    checked(id)?;
    Ok(Row::new(id))
}

#[invalidate(key = "row:<id>")]
fn blocking_nothing(id: u32) {
    if id == 0 {
        return;
    }
    let _written = id;
}

#[invalidate(key = "row:<id>")]
fn boxed<'a>(id: &'a u32) -> Pin<Box<dyn Future<Output = Fallible<()>> + Send + 'a>> {
    Box::pin(async move { checked(*id) })
}

#[invalidate(key = "row:<id>", key = "email:<result.email>")]
fn owned(id: u32) -> Pin<Box<dyn Future<Output = Fallible<Row>> + Send>> {
    Box::pin(async move { checked(id).map(|()| Row::new(id)) })
}

#[invalidate(key = "row:<id>")]
fn future(id: u32) -> impl Future<Output = Fallible<()>> + Send {
    async move { checked(id) }
}

#[invalidate(key = "row:<id>")]
#[instrument]
async fn instrumented(id: u32) -> Fallible<()> {
    checked(id)
}

#[instrument(skip_all)]
#[invalidate(key = "row:<id>")]
async fn in_a_span(id: u32) -> Fallible<()> {
    checked(id)
}

#[invalidate(key = "row:<id>")]
#[invalidate(key = "email:<result.email>", two_phase)]
async fn twice(id: u32) -> Fallible<Row> {
    checked(id)?;
    Ok(Row::new(id))
}

#[invalidate(key = "row:<id>")]
async fn generic<T, E>(id: u32, outcome: Result<T, E>) -> Result<T, E>
where
    T: Send,
{
    outcome
}

// Without `Send` in sight.
#[invalidate(key = "row:<id>")]
async fn local(id: u32) -> Result<(), std::rc::Rc<str>> {
    let id = std::rc::Rc::new(id);
    tokio::task::yield_now().await;
    checked(*id).map_err(Into::into)
}

macro_rules! writer {
    ($name:ident, $key:literal, $arg:ident) => {
        #[invalidate(key = $key)]
        async fn $name($arg: u32) -> Fallible<Row> {
            checked($arg)?;
            Ok(Row::new($arg))
        }
    };
}

writer!(from_a_macro, "row:<id>", id);

trait Rows {
    async fn native(&self, id: u32) -> Fallible<()>;

    #[invalidate(key = "row:<id>")]
    async fn by_default(&self, id: u32) -> Fallible<()> {
        checked(id)
    }
}

#[async_trait]
trait Remote {
    async fn set(&self, id: u32, (_a, _b): (u8, u8)) -> Fallible<Row>;

    #[invalidate(key = "row:<id>")]
    async fn with_default(&self, id: u32) -> Fallible<()> {
        tokio::task::yield_now().await;
        checked(id)
    }
}

struct Repository {
    cache: Cache,
}

impl Rows for Repository {
    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn native(&self, id: u32) -> Fallible<()> {
        checked(id)
    }
}

#[async_trait]
impl Remote for Repository {
    #[invalidate(key = "row:<id>", key = "email:<result.email>")]
    async fn set(&self, id: u32, (_a, _b): (u8, u8)) -> Fallible<Row> {
        checked(id)?;
        Ok(Row::new(id))
    }
}

impl Repository {
    #[invalidate(key = "row:<id>")]
    async fn shared(self: Arc<Self>, id: u32) -> Fallible<()> {
        checked(id)
    }
}

const MINUTE: Duration = Duration::from_secs(60);

async fn stored(cache: &Cache, key: &Key) -> bool {
    cache.get::<u32>(key).await.is_some()
}

/// Whether the call of a writer, with this id, takes the row with it.
async fn invalidates<R>(cache: &Cache, id: u32, call: impl AsyncFnOnce(u32) -> R) -> bool {
    let row = key!("row:<id>");
    cache.put(&row, &id, MINUTE).await.unwrap();
    call(id).await;
    !stored(cache, &row).await
}

macro_rules! on_success_only {
    ($cache:ident: $($call:expr),* $(,)?) => {
        $(
            assert!(invalidates(&$cache, 1, $call).await, "{}", stringify!($call));
            assert!(!invalidates(&$cache, 0, $call).await, "{}", stringify!($call));
        )*
    };
}

async fn check(cache: Cache) {
    let repository = Arc::new(Repository { cache: cache.clone() });
    on_success_only! { cache:
        async |id| asynchronous(id, "x").await,
        async |id| borrowing(&Row::new(id)).await.map(|row| row.id),
        async |id| blocking(id),
        async |id| boxed(&id).await,
        async |id| owned(id).await,
        async |id| future(id).await,
        async |id| instrumented(id).await,
        async |id| in_a_span(id).await,
        async |id| twice(id).await,
        async |id| generic(id, checked(id)).await,
        async |id| local(id).await,
        async |id| from_a_macro(id).await,
        async |id| repository.native(id).await,
        async |id| repository.by_default(id).await,
        async |id| repository.set(id, (1, 2)).await,
        async |id| repository.with_default(id).await,
        async |id| Arc::clone(&repository).shared(id).await,
    }
    assert!(invalidates(&cache, 9, async |id| asynchronous(id, "early").await).await);
    for id in [0, 1] {
        assert!(invalidates(&cache, id, nothing).await);
        assert!(invalidates(&cache, id, unit).await);
        assert!(invalidates(&cache, id, perhaps).await);
        assert!(invalidates(&cache, id, async |id| blocking_nothing(id)).await);
    }
}

fn spawnable<T: Send>(future: T) -> T {
    future
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    check(cache.clone()).await;

    let address = "1@example.com";
    let email = key!("email:<address>");
    for by in 0..7 {
        cache.put(&email, &1_u32, MINUTE).await.unwrap();
        let repository = Repository { cache: cache.clone() };
        match by {
            0 => drop(asynchronous(1, "x").await),
            1 => drop(perhaps(1).await),
            2 => drop(blocking(1)),
            3 => drop(owned(1).await),
            4 => drop(twice(1).await),
            5 => drop(repository.set(1, (1, 2)).await),
            _ => cache.invalidate(&email).await.unwrap(),
        }
        assert!(!stored(&cache, &email).await, "{by}");
    }

    let new = "new";
    let consumed = key!("<new>:1");
    cache.put(&consumed, &1_u32, MINUTE).await.unwrap();
    assert_eq!(spawnable(consuming("new".to_owned(), Row::new(1))).await, Ok(Row::new(1)));
    assert!(!stored(&cache, &consumed).await);

    tokio::spawn(nothing(1)).await.unwrap();
    assert_eq!(tokio::spawn(asynchronous(1, "x")).await.unwrap(), Ok(Row::new(1)));
    assert!(spawnable(boxed(&1)).await.is_ok());
}
