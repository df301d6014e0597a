//! A `>` that is text is doubled.

use cached_runtime::cached;

#[cached(key = "user>:<id>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
