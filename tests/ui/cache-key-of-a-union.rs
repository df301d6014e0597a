//! A union does not know its value.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
union UserKey {
    id: i64,
}

fn main() {}
