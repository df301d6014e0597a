//! An absence does not last for ever: a row may be inserted.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, none_ttl = never)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
