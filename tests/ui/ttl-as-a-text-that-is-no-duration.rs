//! A duration begins with a number.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = "soon")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
