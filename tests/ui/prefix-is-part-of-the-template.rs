//! Words of other crates are translated: `prefix`, `name` and `convert` are all the template.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, prefix = "shop")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
