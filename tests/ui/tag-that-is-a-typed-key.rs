//! A tag has no value, and so no typed key.

use cached_runtime::{CacheKey, invalidate};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[invalidate(tag = UserKey { id })]
async fn rename(id: i64) -> Result<(), String> {
    Err(id.to_string())
}

fn main() {}
