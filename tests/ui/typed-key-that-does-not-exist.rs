//! A typed key is a struct in scope.

use cached_runtime::cached;

#[cached(key = UserKey { id }, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
