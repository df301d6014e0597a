//! The ids are in the key, one by one.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids, skip(ids))]
async fn find(ids: &[i64]) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
