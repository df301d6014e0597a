//! A cached value is `Serialize` and `DeserializeOwned`, whatever the shape of the function.

use cached_runtime::cached;

struct User;

#[cached(key = "user:<id>", ttl = 60)]
fn find(id: i64) -> User {
    drop(id);
    User
}

fn main() {}
