//! `unless` looks at the loaded value, through a closure.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, unless = id == 0)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
