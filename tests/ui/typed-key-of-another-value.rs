//! A typed key is used where its value is read.

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[cached(key = UserKey { id }, ttl = 60)]
async fn find(id: i64) -> Result<Option<u32>, String> {
    Err(id.to_string())
}

fn main() {}
