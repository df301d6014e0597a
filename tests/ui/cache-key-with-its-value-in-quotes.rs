//! The value of a typed key is a type.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = "User")]
struct UserKey {
    id: i64,
}

fn main() {}
