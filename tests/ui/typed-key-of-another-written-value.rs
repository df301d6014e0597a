//! A typed key is used where its value is written.

use cached_runtime::{CacheKey, write_through};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[write_through(key = UserKey { id }, ttl = 60, value = age)]
async fn save(id: i64, age: u32) -> Result<(), String> {
    Err(format!("{id}{age}"))
}

#[write_through(key = UserKey { id }, ttl = 60)]
async fn create(id: i64) -> Result<u32, String> {
    Err(id.to_string())
}

fn main() {}
