//! A typed key is a struct.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user", value = String)]
enum UserKey {
    Id(i64),
}

fn main() {}
