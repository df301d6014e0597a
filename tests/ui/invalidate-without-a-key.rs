//! A writer says what it makes old.

use cached_runtime::invalidate;

#[invalidate]
async fn rename(id: i64, name: &str) -> Result<(), String> {
    Err(format!("{id}{name}"))
}

fn main() {}
