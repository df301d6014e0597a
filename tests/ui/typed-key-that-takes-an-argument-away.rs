//! A typed key that owns its fields takes a copy of an argument.

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<name>", value = String)]
struct NameKey {
    name: String,
}

#[cached(key = NameKey { name }, ttl = 60)]
async fn find(name: String) -> Option<String> {
    Some(name)
}

fn main() {}
