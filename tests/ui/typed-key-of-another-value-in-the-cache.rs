//! A typed key is put with its value only.

use cached_runtime::{Cache, CacheKey};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

async fn put(cache: &Cache) -> Result<(), cached_runtime::Error> {
    cache.put(&UserKey { id: 7 }, &7_u32, std::time::Duration::from_secs(60)).await
}

fn main() {}
