//! `each` names one id, for the key, and the argument with all of them.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = ids)]
async fn find(ids: &[i64]) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
