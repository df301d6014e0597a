//! A reader's typed key is needed before there is a result, too.

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[cached(key = UserKey { id: result.id }, ttl = 60, skip(name))]
async fn find(name: &str) -> Option<String> {
    Some(name.to_owned())
}

fn main() {}
