//! An error that is remembered has to be stored.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, error_ttl = "200ms")]
async fn find(id: i64) -> Result<String, std::io::Error> {
    Ok(id.to_string())
}

fn main() {}
