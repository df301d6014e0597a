//! `by` gives the id that a value has.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids, by = |user| user.1)]
async fn find(ids: &[i64]) -> Vec<(i64, String)> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
