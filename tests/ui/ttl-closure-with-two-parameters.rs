//! The closure of `ttl` sees the loaded value and nothing else.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = |value, id| 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
