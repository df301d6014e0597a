//! A value is not hidden until a commit that may never come.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>", two_phase, after_commit)]
async fn rename(id: i64) -> Result<(), String> {
    Err(id.to_string())
}

fn main() {}
