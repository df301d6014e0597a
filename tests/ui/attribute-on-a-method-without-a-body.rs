//! A method that is only declared has no body to run on a miss.

use cached_runtime::cached;

trait Users {
    #[cached(key = "user", ttl = 60)]
    fn find(&self) -> Option<u8>;
}

fn main() {}
