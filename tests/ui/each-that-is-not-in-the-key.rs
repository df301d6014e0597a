//! Every id has a key of its own.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "users:<org>", ttl = 60, each = id in ids)]
async fn find(org: u8, ids: &[i64]) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, org.to_string())).collect()
}

fn main() {}
