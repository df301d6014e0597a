//! Errors of writes are not remembered.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>", error_ttl = "200ms")]
async fn rename(id: i64) -> Result<(), String> {
    Ok(drop(id))
}

fn main() {}
