//! A place is not an expression.

use cached_runtime::cached;

#[cached(key = "user:<id+1>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
