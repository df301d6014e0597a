//! A reader's key is needed before there is a result.

use cached_runtime::cached;

#[cached(key = "user:<result.id>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
