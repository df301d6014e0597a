//! A tag names arguments.

use cached_runtime::cached;

#[cached(key = "user:<id>", tag = "org:<orgg>", ttl = 60, skip(org))]
async fn find(org: i64, id: i64) -> Option<String> {
    Some(format!("{org}{id}"))
}

fn main() {}
