//! A body that gives nothing is reported at the body.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60)]
async fn find(id: i64) -> Result<u8, String> {
    let _ = id;
}

fn main() {}
