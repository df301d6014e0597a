//! The template of a typed key stands first.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key(key = "user:<id>", value = String)]
struct UserKey {
    id: i64,
}

fn main() {}
