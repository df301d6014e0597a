//! A tag is a template.

use cached_runtime::cached;

const TAG: &str = "users";

#[cached(key = "user:<id>", tag = TAG, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
