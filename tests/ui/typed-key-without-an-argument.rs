//! Every argument is in the typed key or skipped.

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[cached(key = UserKey { id: user.0 }, ttl = 60)]
async fn find(user: (i64,), id: i64) -> Option<String> {
    Some(format!("{}{id}", user.0))
}

fn main() {}
