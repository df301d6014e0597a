//! A cached function has an error type with a name.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
async fn find() -> Result<u8, impl std::fmt::Debug> {
    Err(())
}

fn main() {}
