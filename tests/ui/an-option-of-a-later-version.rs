//! An option that is planned and not there yet says so.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, local = "5s")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
