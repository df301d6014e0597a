//! The value is made of arguments, before there is a result.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60, value = |name| name)]
async fn rename(id: i64) -> Result<String, String> {
    Ok(id.to_string())
}

fn main() {}
