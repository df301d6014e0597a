//! Only a `self`, or `Self` in the signature, tells that this is in an `impl` block.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

struct Users;

impl Users {
    #[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
    async fn save(users: Vec<User>) {
        drop(users);
    }
}

fn main() {}
