//! The attribute goes on functions one by one.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
mod users {}

fn main() {}
