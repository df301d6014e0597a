//! An argument is in the key or in `skip`.

use cached_runtime::cached;

#[cached(key = "user:<id>:<pool>", ttl = 60, skip(pool))]
async fn find(pool: &str, id: i64) -> Option<String> {
    Some(format!("{pool}{id}"))
}

fn main() {}
