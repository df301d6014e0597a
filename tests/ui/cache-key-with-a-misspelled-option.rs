//! A misspelled option of a typed key is suggested.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", valeu = String)]
struct UserKey {
    id: i64,
}

fn main() {}
