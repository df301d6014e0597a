//! Where nothing is returned there is no result.

use cached_runtime::invalidate;

#[invalidate(key = "user:<result.id>")]
async fn rename(id: i64) -> Result<(), String> {
    Err(id.to_string())
}

fn main() {}
