//! An argument with the name of the result could be meant.

use cached_runtime::invalidate;

#[invalidate(key = "race:<result>")]
async fn finish(result: i64) -> Result<i64, String> {
    Ok(result)
}

fn main() {}
