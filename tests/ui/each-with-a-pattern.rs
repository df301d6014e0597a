//! One id has a name; its parts are reached in the key.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<org>:<id>", ttl = 60, each = (org, id) in ids)]
async fn find(ids: &[(u8, i64)]) -> HashMap<(u8, i64), String> {
    ids.iter().map(|id| (*id, id.1.to_string())).collect()
}

fn main() {}
