//! What is returned and stored is owned.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60)]
async fn rename(id: i64, name: &str) -> Result<&str, String> {
    if id > 0 { Ok(name) } else { Err(name.to_owned()) }
}

fn main() {}
