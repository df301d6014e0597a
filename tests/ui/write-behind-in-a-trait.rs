//! Nobody knows that every type with this trait can be taken along.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

trait Save {
    #[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
    async fn save(&self, users: Vec<User>) {
        drop(users);
    }
}

fn main() {}
