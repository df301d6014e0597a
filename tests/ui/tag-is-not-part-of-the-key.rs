//! An argument that only a tag names is not in the key.

use cached_runtime::cached;

#[cached(key = "user:<id>", tag = "org:<org>", ttl = 60)]
async fn find(org: i64, id: i64) -> Option<String> {
    Some(format!("{org}{id}"))
}

fn main() {}
