//! `#[write_through]` on every shape of function: what was written is what is stored, and after an `Err` nothing is.

#![deny(warnings)]

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use cached_runtime::{Cache, cached, key, write_through};
use serde::{Deserialize, Serialize};

type Fallible<T> = Result<T, String>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

impl User {
    fn new(id: u32) -> Self {
        Self { id, name: format!("user {id}") }
    }

    #[write_through(key = "user:<self.id>", ttl = 60, value = self)]
    async fn save(&self) -> Fallible<()> {
        checked(self.id)
    }

    #[write_through(key = "user:<self.id>", ttl = 60, value = self)]
    async fn save_owned(self) -> Fallible<()> {
        checked(self.id)
    }
}

fn checked(id: u32) -> Fallible<()> {
    if id == 0 { Err("zero".to_owned()) } else { Ok(()) }
}

#[write_through(key = "user:<id>", ttl = 60)]
async fn returned(id: u32) -> Fallible<User> {
    checked(id)?;
    Ok(User::new(id))
}

#[write_through(key = "user:<id>", ttl = |_| Duration::from_secs(60), none_ttl = 5, unless = |user| user.is_none())]
async fn returned_option(id: u32) -> Fallible<Option<User>> {
    checked(id)?;
    Ok(Some(User::new(id)))
}

#[write_through(key = "user:<user.id>", ttl = "1m", value = user, version = 1, jitter = 0.1, load_timeout = "5s")]
async fn borrowed(user: &User) -> Fallible<()> {
    checked(user.id)
}

#[write_through(key = "user:<user.id>", ttl = never, value = user)]
async fn owned(user: User) -> Fallible<()> {
    checked(user.id)
}

#[write_through(key = "user:<id>", ttl = 60, value = User { id, name: format!("user {name}") })]
async fn made(id: u32, name: &str) -> Fallible<()> {
    checked(id)?;
    assert_eq!(id.to_string(), name);
    Ok(())
}

#[write_through(key = "user:<user.id>", ttl = 60, value = user.clone())]
fn blocking(user: &User) -> Fallible<()> {
    checked(user.id)
}

#[write_through(key = "user:<id>", ttl = 60)]
fn blocking_returned(id: u32) -> Fallible<User> {
    checked(id).map(|()| User::new(id))
}

#[write_through(key = "user:<user.id>", ttl = 60, value = user)]
fn future(user: User) -> impl Future<Output = Fallible<()>> + Send {
    async move { checked(user.id) }
}

// One value under two keys.
#[write_through(key = "user:<user.id>", ttl = 60, value = user)]
#[write_through(key = "user:name:<user.name>", ttl = 60, value = user, tag = "org:<org>")]
async fn twice(org: u8, user: &User) -> Fallible<()> {
    checked(user.id)
}

#[async_trait]
trait Users {
    async fn store(&self, user: &User) -> Fallible<()>;
}

struct Repository;

#[async_trait]
impl Users for Repository {
    #[write_through(key = "user:<user.id>", ttl = 60, value = user)]
    async fn store(&self, user: &User) -> Fallible<()> {
        checked(user.id)
    }
}

#[cached(key = "user:<id>", ttl = 60)]
async fn find(id: u32) -> Option<User> {
    unreachable!("{id} is stored")
}

/// Whether the call of a writer, with this id, leaves the user in the cache.
async fn stores<R>(cache: &Cache, id: u32, call: impl AsyncFnOnce(User) -> R) -> bool {
    let key = key!("user:<id>");
    cache.invalidate(&key).await.unwrap();
    call(User::new(id)).await;
    match cache.get::<User>(&key).await {
        Some(user) => {
            assert_eq!(user, User::new(id));
            assert_eq!(find(id).await, Some(user));
            true
        }
        None => false,
    }
}

macro_rules! on_success_only {
    ($cache:ident: $($call:expr),* $(,)?) => {
        $(
            assert!(stores(&$cache, 1, $call).await, "{}", stringify!($call));
            assert!(!stores(&$cache, 0, $call).await, "{}", stringify!($call));
        )*
    };
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    on_success_only! { cache:
        async |user| returned(user.id).await,
        async |user| returned_option(user.id).await,
        async |user| borrowed(&user).await,
        async |user| owned(user).await,
        async |user| made(user.id, &user.id.to_string()).await,
        async |user| user.save().await,
        async |user| user.save_owned().await,
        async |user| blocking(&user),
        async |user| blocking_returned(user.id),
        async |user| future(user).await,
        async |user| twice(1, &user).await,
        async |user| Repository.store(&user).await,
    }
    let name = User::new(1).name;
    assert_eq!(cache.get::<User>(&key!("user:name:<name>")).await, Some(User::new(1)));
}
