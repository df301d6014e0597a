//! A cached value is read back from bytes: nothing in it is borrowed.

use cached_runtime::cached;

struct Users(String);

impl Users {
    #[cached(key = "user", ttl = 60)]
    async fn find(&self) -> Result<&str, String> {
        Ok(&self.0)
    }
}

fn main() {}
