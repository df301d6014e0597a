//! The fields of a typed key have names.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("user:<0>", value = String)]
struct UserKey(i64);

fn main() {}
