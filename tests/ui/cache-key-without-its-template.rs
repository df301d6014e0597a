//! A typed key has a template.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
struct UserKey {
    id: i64,
}

#[derive(CacheKey)]
#[cache_key(value = String)]
struct OrderKey {
    id: i64,
}

fn main() {}
