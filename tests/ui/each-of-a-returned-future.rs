//! The body of a batch is called when it is known which ids are missing.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids)]
fn find(ids: Vec<i64>) -> impl Future<Output = HashMap<i64, String>> {
    async move { ids.iter().map(|id| (*id, id.to_string())).collect() }
}

fn main() {}
