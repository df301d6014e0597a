//! A lease ends with `load_timeout`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(lease = 5), load_timeout = "1500ms")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
