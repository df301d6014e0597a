//! `each = id in ids` on every shape of function that takes it, with arguments of every kind.

#![deny(warnings)]

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use cached_runtime::{Cache, CacheKey, KeyPart, cached};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    ttl: u64,
}

fn user(id: i64) -> User {
    User { id, ttl: 60 }
}

#[derive(CacheKey)]
#[cache_key("user:<id>", value = User)]
struct UserKey {
    id: i64,
}

#[derive(Clone)]
struct Filter(String);

/// As `sqlx` has it: taken by value, for a mutable reference.
trait Executor {
    fn count(self);
}

struct Conn(usize);

impl Executor for &mut Conn {
    fn count(self) {
        self.0 += 1;
    }
}

type Found<T> = Result<T, Rc<str>>;

#[cached(key = "user:<id>", ttl = 60, mutex, each = id in ids, skip(conn, limit, filter, most, least, gone))]
async fn arguments_of_every_kind(
    conn: &mut Conn,
    mut limit: usize,
    filter: Filter,
    (mut most, least): (u8, Vec<u8>),
    mut ids: &[i64],
    #[cfg(any())] gone: Filter,
) -> Found<HashMap<i64, User>> {
    ready(()).await;
    conn.count();
    limit += 1;
    most += 1;
    let taken = (filter, least);
    if taken.0.0.len() + taken.1.len() > limit + usize::from(most) {
        return Err("no".into());
    }
    let mut users = HashMap::new();
    while let Some((first, rest)) = ids.split_first() {
        users.insert(*first, user(*first));
        ids = rest;
    }
    Ok(users)
}

#[cached(
    key = UserKey { id: *id }, ttl = |user| user.ttl, unless = |user| user.id < 0, none_ttl = 5, each = id in ids,
    by = |user| user.id
)]
fn blocking(ids: Vec<i64>) -> Vec<User> {
    ids.into_iter().rev().map(user).collect()
}

#[cached(key = "generic:<id>", ttl = 60, each = id in ids)]
async fn generic<Id: Clone + KeyPart + Ord + Sync, T: From<u8>>(ids: &Vec<Id>) -> BTreeMap<Id, T>
where
    T: Serialize + serde::de::DeserializeOwned,
{
    let missing: &Vec<Id> = ids;
    missing.iter().map(|id| (id.clone(), T::from(1))).collect()
}

#[cached(key = "text:<r#type>:<id.0>", ttl = 60, each = id in ids)]
async fn parts<'a>(r#type: &str, ids: &'a [(&'a str, impl Clone)]) -> Vec<Option<usize>> {
    ids.iter().map(|id| Some(id.0.len() + r#type.len())).collect()
}

struct Users(String);

impl Users {
    #[cached(key = "pinned:<id>", ttl = 60, each = id in ids, skip(filter))]
    fn pinned<'a>(
        &'a self,
        ids: &'a [String],
        filter: Filter,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Option<usize>>, &'static str>> + Send + 'a>> {
        if ids.is_empty() {
            return Box::pin(ready(Err("none")));
        }
        Box::pin(async move { Ok(ids.iter().map(|id| Some(id.len() + filter.0.len() + self.0.len())).collect()) })
    }

    #[cached(key = "mutable:<id>", ttl = 60, each = id in ids)]
    async fn mutable(&mut self, ids: &[i64]) -> Vec<Option<usize>> {
        self.0.push('a');
        ids.iter().map(|_| Some(self.0.len())).collect()
    }

    #[cached(key = "mutable:<id>", ttl = 60, each = id in ids, skip(conn))]
    fn mutable_and_blocking(&mut self, conn: &mut Conn, ids: &[i64]) -> Vec<Option<usize>> {
        self.0.push('a');
        conn.count();
        ids.iter().map(|_| Some(self.0.len())).collect()
    }

    #[cached(key = "shared:<id>", ttl = 60, each = id in ids)]
    async fn shared(self: Arc<Self>, ids: &[i64]) -> Vec<Option<usize>> {
        ids.iter().map(|_| Some(self.0.len())).collect()
    }
}

#[async_trait]
trait Find {
    async fn find(&self, conn: &mut Conn, filter: Filter, ids: &[i64], _: Filter)
    -> Result<HashMap<i64, User>, String>;
    async fn owned(&self, ids: Vec<i64>) -> Result<HashMap<i64, User>, String>;
}

#[async_trait]
impl Find for Users {
    #[cached(key = "trait:<id>", ttl = 60, each = id in ids, skip(conn, filter))]
    async fn find(
        &self,
        conn: &mut Conn,
        filter: Filter,
        ids: &[i64],
        _: Filter,
    ) -> Result<HashMap<i64, User>, String> {
        conn.count();
        let filter = filter;
        if filter.0 == self.0 {
            Err("no")?;
        }
        Ok(ids.iter().map(|id| (*id, user(*id))).collect())
    }

    #[cached(key = "owned:<id>", ttl = 60, each = id in ids)]
    async fn owned(&self, mut ids: Vec<i64>) -> Result<HashMap<i64, User>, String> {
        ids.reverse();
        Ok(ids.into_iter().map(|id| (id, user(id))).collect())
    }
}

fn is_send<T: Send>(future: T) -> T {
    future
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    let filter = || Filter("filter".into());
    let mut conn = Conn(0);
    for _ in 0..2 {
        let call = arguments_of_every_kind(&mut conn, 9, filter(), (1, vec![1]), &[1, 2]);
        assert_eq!(is_send(call).await.unwrap().len(), 2);
    }
    assert_eq!(blocking(vec![3, 1, 3]), [user(3), user(1)]);
    assert_eq!(is_send(generic::<_, u64>(&vec!['a', 'b', 'a'])).await, BTreeMap::from([('a', 1), ('b', 1)]));
    assert_eq!(is_send(parts("t", &[("a", 'x'), ("bb", 'y')])).await, [Some(2), Some(3)]);
    let mut users = Users("users".into());
    assert_eq!(is_send(users.pinned(&["x".into()], filter())).await, Ok(vec![Some(12)]));
    for _ in 0..2 {
        assert_eq!(is_send(users.mutable(&[1])).await, [Some(6)]);
        assert_eq!(users.mutable_and_blocking(&mut conn, &[2]), [Some(7)]);
        assert_eq!(users.find(&mut conn, filter(), &[1, 2], filter()).await.unwrap().len(), 2);
    }
    assert_eq!(users.owned(vec![1, 2]).await.unwrap().len(), 2);
    assert_eq!(is_send(Arc::new(users).shared(&[1])).await, [Some(7)]);
    assert_eq!(conn.0, 3, "one call of each body");
}
