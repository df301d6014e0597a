//! A place names an argument.

use cached_runtime::cached;

#[cached(key = "user:<>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
