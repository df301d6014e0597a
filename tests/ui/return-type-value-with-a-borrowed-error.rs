//! With `returns = value` the error is part of the value.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60, returns = value)]
async fn find() -> Result<u8, &'static str> {
    Ok(1)
}

fn main() {}
