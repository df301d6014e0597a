//! Readers decode an owned value.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60, value = name)]
async fn rename(id: i64, name: &str) -> Result<(), String> {
    Err(format!("{id}{name}"))
}

#[write_through(key = "users", ttl = 60, value = users)]
async fn replace(users: &[String]) -> Result<(), String> {
    Err(users.concat())
}

fn main() {}
