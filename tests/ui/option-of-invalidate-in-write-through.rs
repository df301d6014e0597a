//! `#[write_through]` hides the value while it writes anyway.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60, two_phase)]
async fn rename(id: i64) -> Result<String, String> {
    Err(id.to_string())
}

fn main() {}
