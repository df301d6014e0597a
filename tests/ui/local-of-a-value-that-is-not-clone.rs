//! Every local hit gives out a clone.

use cached_runtime::cached;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: u64,
}

#[cached(key = "user:<id>", ttl = 60, local)]
async fn find(id: u64) -> Result<Option<User>, String> {
    Ok(Some(User { id }))
}

fn main() {}
