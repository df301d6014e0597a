//! Braces are text around a field, too.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:{id}", value = String)]
struct UserKey {
    id: i64,
}

fn main() {}
