//! A key with its type, in readers and writers: with fields that borrow, with type parameters, and without fields.

#![deny(warnings)]

use cached_runtime::{Cache, CacheKey, KeyPart, cached, invalidate, key, write_through};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

#[derive(CacheKey)]
#[cache_key("user:<id>", value = User)]
struct UserKey {
    id: u32,
}

#[derive(CacheKey)]
#[cache_key("user:name:<name>", value = User)]
struct NameKey<'a> {
    name: &'a str,
}

mod keys {
    use super::{CacheKey, KeyPart, User};

    /// Every user.
    #[derive(CacheKey)]
    #[cache_key("users", value = Vec<User>)]
    pub(crate) struct AllUsers;

    #[derive(CacheKey)]
    #[cache_key("scoped:<scope>:<r#type>:<filter|hash>", value = Option<T>, crate = ::cached_runtime)]
    pub(crate) struct Scoped<T, const N: usize>
    where
        T: Copy,
    {
        pub(crate) scope: T,
        pub(crate) r#type: [T; N],
        pub(crate) filter: Vec<u8>,
    }

    #[derive(CacheKey)]
    #[cache_key("page:<page.number()>", value = Vec<User>)]
    pub(crate) struct PageKey {
        pub(crate) page: Page,
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Page(pub(crate) u32);

    impl Page {
        fn number(self) -> u32 {
            self.0
        }
    }

    #[derive(KeyPart)]
    pub(crate) struct Id(pub(crate) u32);
}

#[cached(key = UserKey { id }, ttl = 60)]
async fn find(id: u32) -> Result<Option<User>, String> {
    Ok(Some(User { id, name: id.to_string() }))
}

#[cached(key = NameKey { name: &name }, ttl = 60)]
async fn find_by_name(name: String) -> Option<User> {
    name.parse().ok().map(|id| User { id, name })
}

#[cached(key = keys::AllUsers, ttl = 60)]
fn all() -> Vec<User> {
    vec![User { id: 1, name: "1".to_owned() }]
}

#[cached(key = keys::Scoped::<T, 1> { scope, r#type: [scope], filter: vec![1] }, ttl = 60, returns = value)]
async fn scoped<T: Copy + KeyPart + Serialize + for<'a> Deserialize<'a>>(scope: T) -> Option<T> {
    Some(scope)
}

#[cached(key = keys::PageKey { page }, ttl = 60)]
async fn page(page: keys::Page) -> Vec<User> {
    vec![User { id: page.0, name: String::new() }]
}

// A field is no argument: the argument `id` comes into this key by another name.
#[cached(key = UserKey { id: number.0 }, ttl = 60)]
async fn find_by_newtype(number: keys::Id) -> Option<User> {
    Some(User { id: number.0, name: number.0.to_string() })
}

#[invalidate(key = UserKey { id: result.id }, key = NameKey { name: &result.name }, key = keys::AllUsers)]
async fn rename(id: u32, name: &str) -> Result<User, String> {
    Ok(User { id, name: name.to_owned() })
}

#[write_through(key = UserKey { id: user.id }, ttl = 60, value = user)]
async fn save(user: &User) -> Result<(), String> {
    if user.id == 0 { Err(user.name.clone()) } else { Ok(()) }
}

#[write_through(key = UserKey { id }, ttl = 60)]
async fn create(id: u32) -> Result<User, String> {
    Ok(User { id, name: "new".to_owned() })
}

macro_rules! by_name {
    ($name:ident, $arg:ident) => {
        #[invalidate(key = NameKey { name: &result.name }, key = UserKey { id: $arg })]
        async fn $name($arg: u32) -> Option<User> {
            Some(User { id: $arg, name: $arg.to_string() })
        }
    };
}

by_name!(remove, id);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    assert_eq!(key!("user:7"), cached_runtime::ToKey::to_key(&UserKey { id: 7 }));
    for _ in 0..2 {
        assert_eq!(find(7).await.unwrap().unwrap().id, 7);
        assert_eq!(find_by_name("7".to_owned()).await.unwrap().id, 7);
        assert_eq!(find_by_newtype(keys::Id(8)).await.unwrap().id, 8);
        assert_eq!(all().len(), 1);
        assert_eq!(scoped(5_u8).await, Some(5));
        assert_eq!(page(keys::Page(3)).await[0].id, 3);
    }
    assert_eq!(cache.stats().function("find").unwrap().template, "user:<id>");
    assert_eq!(cache.stats().function("find_by_name").unwrap().template, "user:name:<name>");
    assert_eq!(cache.get(&UserKey { id: 7 }).await.unwrap().name, "7");

    assert_eq!(rename(7, "7").await.unwrap().id, 7);
    assert!(cache.get(&UserKey { id: 7 }).await.is_none());
    assert!(cache.get(&NameKey { name: "7" }).await.is_none());
    assert!(cache.get(&keys::AllUsers).await.is_none());

    save(&User { id: 7, name: "saved".to_owned() }).await.unwrap();
    assert_eq!(find(7).await.unwrap().unwrap().name, "saved");
    create(7).await.unwrap();
    assert_eq!(find(7).await.unwrap().unwrap().name, "new");
    assert_eq!(remove(7).await.unwrap().id, 7);
    assert!(cache.get(&UserKey { id: 7 }).await.is_none());
}
