//! Whether a write succeeded is told by its type.

use cached_runtime::invalidate;

#[invalidate(key = "users")]
fn rename(id: i64) -> Result<i64, impl std::fmt::Debug> {
    Err::<i64, i64>(id)
}

fn main() {}
