//! The name of one id is a new one.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<org>", ttl = 60, each = org in ids)]
async fn find(org: u8, ids: &[i64]) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, org.to_string())).collect()
}

fn main() {}
