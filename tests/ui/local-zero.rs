//! A local tier that keeps nothing is none.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, local = 0)]
async fn find(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
