//! The attribute cannot see what a constant holds.

use cached_runtime::cached;

#[cached(key = USER_KEY, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
