//! Every field is in the template.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    org: i64,
    id: i64,
}

fn main() {}
