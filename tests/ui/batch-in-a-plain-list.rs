//! In a `Vec<T>` the database leaves out what it does not have: whose values are they?

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in ids)]
async fn find(ids: &[i64]) -> Result<Vec<String>, String> {
    Ok(ids.iter().map(|id| id.to_string()).collect())
}

fn main() {}
