//! The habit from `format!` is caught with fields and getters, too.

use cached_runtime::cached;

#[cached(key = "user:{id.abs()}", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
