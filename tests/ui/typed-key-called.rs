//! A typed key has named fields.

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[cached(key = UserKey(id), ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
