//! `unless` decides at once.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, unless = async |value| true)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
