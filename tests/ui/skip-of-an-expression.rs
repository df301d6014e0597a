//! `skip` takes names of arguments.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, skip(&pool))]
async fn find(pool: &str, id: i64) -> Option<String> {
    Some(format!("{pool}{id}"))
}

fn main() {}
