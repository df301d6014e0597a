//! `local` goes with everything that a function for one value can be.

use std::collections::HashMap;
use std::sync::Arc;

use cached_runtime::{Cache, CacheKey, cached};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    id: u64,
}

type Answer<T> = Result<T, std::io::Error>;

#[cached(key = "value:<id>", ttl = 60, local)]
async fn value(id: u64) -> User {
    User { id }
}

#[cached(key = "pointer:<id>", ttl = 60, local = "5s")]
async fn pointer(id: u64) -> Answer<Option<Arc<User>>> {
    Ok(Some(Arc::new(User { id })))
}

#[cached(key = "text:<id>", ttl = 60, local, mutex)]
async fn text(id: u64) -> Option<Arc<str>> {
    Some(id.to_string().into())
}

#[cached(key = "blocking:<id>", ttl = 60, none_ttl = 5, local = 5)]
fn blocking(id: u64) -> Answer<Option<User>> {
    Ok((id > 0).then_some(User { id }))
}

#[cached(key = "boxed:<id>", ttl = 60, local)]
fn boxed(id: u64) -> std::pin::Pin<Box<dyn Future<Output = User> + Send>> {
    Box::pin(async move { User { id } })
}

#[cached(key = "future:<id>", ttl = 60, local)]
fn future(id: u64) -> impl Future<Output = Vec<User>> + Send {
    async move { vec![User { id }] }
}

#[cached(key = "generic:<id>", ttl = 60, local, skip(make))]
async fn generic<T, F>(id: u64, make: F) -> Answer<T>
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    F: Fn(u64) -> T,
{
    Ok(make(id))
}

#[cached(key = "whole:<id>", ttl = 60, local, returns = value)]
async fn whole(id: u64) -> Result<u64, String> {
    if id > 0 { Ok(id) } else { Err("none".to_owned()) }
}

#[derive(CacheKey)]
#[cache_key("typed:<id>", value = User)]
struct UserKey {
    id: u64,
}

#[cached(key = UserKey { id }, ttl = 60, local)]
async fn typed(id: u64) -> Option<User> {
    Some(User { id })
}

struct Users {
    cache: Cache,
    rows: HashMap<u64, User>,
}

impl Users {
    #[cached(key = "user:<id>", tag = "org:<org>", ttl = |user| user.as_ref().map_or(1, |user| user.id), local,
        when = id > 0, unless = |user| user.is_none(), version = 2, cache = &self.cache)]
    async fn find(&self, org: &str, id: u64) -> Answer<Option<User>> {
        Ok(self.rows.get(&id).cloned())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    let users = Users { cache, rows: HashMap::from([(7, User { id: 7 })]) };
    for _ in 0..3 {
        assert_eq!(value(7).await, User { id: 7 });
        assert_eq!(*pointer(7).await.unwrap().unwrap(), User { id: 7 });
        assert_eq!(&*text(7).await.unwrap(), "7");
        assert_eq!(blocking(7).unwrap(), Some(User { id: 7 }));
        assert_eq!(blocking(0).unwrap(), None);
        assert_eq!(boxed(7).await, User { id: 7 });
        assert_eq!(future(7).await, [User { id: 7 }]);
        assert_eq!(generic(7, |id| User { id }).await.unwrap(), User { id: 7 });
        assert_eq!(whole(7).await, Ok(7));
        assert!(whole(0).await.is_err());
        assert_eq!(typed(7).await, Some(User { id: 7 }));
        assert_eq!(users.find("a", 7).await.unwrap(), Some(User { id: 7 }));
    }
    assert_eq!(users.cache.stats().total().hits_local, 12);
}
