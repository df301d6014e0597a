//! A key names one id: then every list that holds it finds its value.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "users:<ids>", ttl = 60, each = id in ids)]
async fn find(ids: &[i64]) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
