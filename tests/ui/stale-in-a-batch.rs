//! The values of a batch are not loaded anew one by one.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", each = id in ids, ttl = 60, stale = "10m", error_ttl = 1, refresh = background, early)]
async fn find(ids: Vec<i64>) -> HashMap<i64, String> {
    ids.into_iter().map(|id| (id, id.to_string())).collect()
}

fn main() {}
