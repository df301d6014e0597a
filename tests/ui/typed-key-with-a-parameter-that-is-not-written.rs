//! The parameters of a generic key are written out.

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct Scoped<T> {
    id: T,
}

#[cached(key = Scoped { id }, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
