//! A typed key is planned and not there yet.

use cached_runtime::cached;

#[cached(key = UserKey { id }, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
