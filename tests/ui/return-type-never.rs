//! A function that does not return has nothing to cache.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
fn stop() -> ! {
    std::process::exit(0)
}

fn main() {}
