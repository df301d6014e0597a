//! A typed key has one template.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
#[cache_key("user:id:<id>", value = String)]
struct UserKey {
    id: i64,
}

fn main() {}
