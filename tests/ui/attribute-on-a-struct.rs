//! The attribute goes on a function.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
struct User;

fn main() {}
