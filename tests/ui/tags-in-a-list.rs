//! Several tags are several options, and so are several keys.

use cached_runtime::invalidate;

#[invalidate(key = ["user:<id>", "users"], tag = ["a", "b"])]
async fn rename(id: i64) -> Result<(), String> {
    Err(id.to_string())
}

fn main() {}
