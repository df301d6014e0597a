//! The attribute cannot see what a constant holds; a closure can.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = Duration::from_secs(60))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
