//! `key!` builds the key of a reader, from any names in scope.

#![deny(warnings)]

use cached_runtime::{Cache, cached, key};

struct User {
    id: i64,
    name: String,
}

impl User {
    fn initial(&self) -> char {
        self.name.chars().next().unwrap_or('?')
    }

    fn key(&self) -> String {
        key!("user:<self.id>:<self.initial()>").to_string()
    }
}

#[cached(key = "user:<id>", ttl = 60)]
async fn find(id: i64) -> i64 {
    id
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    let user = User {
        id: 7,
        name: "Ada".into(),
    };
    assert_eq!(user.key(), "user:7:A");
    assert_eq!(key!("users").as_str(), "users");
    let (result, r#type) = ("r", "t");
    assert_eq!(key!("<result>:<type>:<user.name>").as_str(), "r:t:Ada");
    assert_eq!(key!("<user.id|hash>").as_str().len(), 32);

    find(user.id).await;
    assert_eq!(cache.get(&key!("user:<user.id>")).await, Some(7_i64));
}
