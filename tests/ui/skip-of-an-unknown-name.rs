//! A misspelled name in `skip` is one mistake, not two.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, skip(pol))]
async fn find(pool: &str, id: i64) -> Option<String> {
    Some(format!("{pool}{id}"))
}

fn main() {}
