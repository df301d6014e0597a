//! What is returned is stored without being named.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60, value = result)]
async fn rename(id: i64) -> Result<String, String> {
    Ok(id.to_string())
}

fn main() {}
