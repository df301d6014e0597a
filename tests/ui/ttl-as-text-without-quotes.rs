//! Text stands in quotes: `90s` is `"90s"`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 90s)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
