//! A function reads or writes.

use cached_runtime::{cached, invalidate};

#[invalidate(key = "users")]
#[cached(key = "user:<id>", ttl = 60)]
async fn rename(id: i64) -> Result<String, String> {
    Err(id.to_string())
}

#[cached(key = "user:<id>", ttl = 60)]
#[invalidate(key = "users")]
async fn find(id: i64) -> Result<String, String> {
    Err(id.to_string())
}

fn main() {}
