//! Who does not want to wait needs no `mutex`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(wait = 0))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
