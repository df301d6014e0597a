//! Options are separated by commas; the next one is read all the same.

use cached_runtime::cached;

#[cached(key = "user:<id>" ttl = 60 jitter = 2)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
