//! A typed key names the type of its value.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>")]
struct UserKey {
    id: i64,
}

fn main() {}
