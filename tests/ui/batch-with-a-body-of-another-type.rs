//! The body returns what the function does, for the ids that are missing.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids)]
async fn find(ids: &[i64]) -> Result<HashMap<i64, u64>, String> {
    ids.iter().map(|id| (*id, 1)).collect::<HashMap<i64, u64>>()
}

fn main() {}
