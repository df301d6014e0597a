//! How long a value lives is said where it is stored.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String, ttl = 60)]
struct UserKey {
    id: i64,
}

fn main() {}
