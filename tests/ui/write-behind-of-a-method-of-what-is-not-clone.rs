//! The worker has a clone of `self`.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

struct Users;

impl Users {
    #[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
    async fn save(&self, users: Vec<User>) {
        drop(users);
    }
}

fn main() {}
