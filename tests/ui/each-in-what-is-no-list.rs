//! The ids have an order, and the body gets those that are missing in the same type.

use std::collections::{HashMap, HashSet};

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids)]
async fn find(ids: &HashSet<i64>) -> HashMap<i64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
