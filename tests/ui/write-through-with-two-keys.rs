//! A value is stored under one key by one attribute.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", key = "user:name:<name>", ttl = 60)]
async fn rename(id: i64, name: String) -> Result<String, String> {
    Ok(format!("{id}{name}"))
}

fn main() {}
