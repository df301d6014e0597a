//! The functions with `local`.

use std::sync::Arc;

use cached_runtime::cached;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub roles: Vec<u32>,
}

impl User {
    pub fn named(name: &str) -> Self {
        Self { id: 7, name: "Ada Lovelace".to_owned(), email: name.to_owned(), roles: vec![1, 2, 3] }
    }
}

// cached: allow(unbounded-text): what a short name in a key costs is what is measured
#[cached(key = "user:<name>", ttl = 3600, local)]
pub async fn find(name: &str) -> Option<User> {
    Some(User::named(name))
}

// cached: allow(unbounded-text)
#[cached(key = "shared:<name>", ttl = 3600, local)]
pub async fn find_shared(name: &str) -> Option<Arc<User>> {
    Some(Arc::new(User::named(name)))
}
