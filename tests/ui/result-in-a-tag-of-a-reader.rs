//! A reader's tag is needed before there is a result.

use cached_runtime::cached;

#[cached(key = "user:<id>", tag = "org:<result.org>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
