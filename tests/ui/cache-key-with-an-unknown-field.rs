//! A place is a field.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<idd>", value = String)]
struct UserKey {
    id: i64,
}

fn main() {}
