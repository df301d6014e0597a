//! A map says itself whose values it holds.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids, by = |user| user.0)]
async fn find(ids: &[i64]) -> Result<HashMap<i64, (i64, String)>, String> {
    Ok(ids.iter().map(|id| (*id, (*id, id.to_string()))).collect())
}

fn main() {}
