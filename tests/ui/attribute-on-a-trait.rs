//! The attribute goes on methods one by one.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
trait Users {
    fn find(&self) -> Option<u8>;
}

fn main() {}
