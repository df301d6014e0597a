//! A local hit is a whole call.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, local, each = id in ids)]
async fn find(ids: &[u64]) -> Vec<Option<String>> {
    ids.iter().map(|id| Some(id.to_string())).collect()
}

fn main() {}
