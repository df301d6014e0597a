//! The units are `ms`, `s`, `m`, `h` and `d`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = "5min")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
