//! A mismatch in the body is shown in the body.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>")]
async fn rename(id: i64) -> Result<i64, String> {
    Ok(id.to_string())
}

#[invalidate(key = "user:<id>")]
fn touch(id: i64) -> Result<i64, String> {
    Ok(id.to_string())
}

fn main() {}
