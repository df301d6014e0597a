//! `never` is a word.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = "never")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
