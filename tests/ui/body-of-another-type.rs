//! A body that gives another type is reported where it gives it.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60)]
async fn find(id: i64) -> Result<u8, String> {
    id.to_string()
}

fn main() {}
