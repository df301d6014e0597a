//! A call that waited too long runs its body.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(on_timeout = "fail"))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
