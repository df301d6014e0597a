//! `unless` decides with a `bool`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, unless = |user| user.len())]
async fn find(id: i64) -> Result<String, String> {
    Ok(id.to_string())
}

fn main() {}
