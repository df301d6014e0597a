//! A typed key names the value of one id.

use std::collections::HashMap;

use cached_runtime::{CacheKey, cached};

#[derive(CacheKey)]
#[cache_key("user:<id>", value = String)]
struct UserKey {
    id: i64,
}

#[cached(key = UserKey { id: *id }, ttl = 60, each = id in ids)]
async fn find(ids: &[i64]) -> Result<HashMap<i64, u64>, String> {
    Ok(ids.iter().map(|id| (*id, 1)).collect())
}

fn main() {}
