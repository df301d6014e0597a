//! A place begins with a field, without `self`.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<self.id>", value = String)]
struct UserKey {
    id: i64,
}

fn main() {}
