//! Places call nothing but getters.

use cached_runtime::cached;

#[cached(key = "user:<hash(id)>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
