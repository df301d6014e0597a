//! A struct is a key by `#[derive(CacheKey)]`.

use cached_runtime::{cached, invalidate};

struct UserKey {
    id: i64,
}

#[cached(key = UserKey { id }, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

#[invalidate(key = UserKey { id })]
async fn rename(id: i64) -> Result<(), String> {
    Err(id.to_string())
}

fn main() {}
