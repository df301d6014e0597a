//! `when` decides with a `bool`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, when = id)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
