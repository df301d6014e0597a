//! The path of the runtime is absolute.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String, crate = cached_runtime)]
struct UserKey {
    id: i64,
}

fn main() {}
