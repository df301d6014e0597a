//! An option that belongs to another attribute says so.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>", ttl = 60, skip(name), mutex, value = name)]
async fn rename(id: i64, name: &str) -> Result<(), String> {
    Err(format!("{id}{name}"))
}

fn main() {}
