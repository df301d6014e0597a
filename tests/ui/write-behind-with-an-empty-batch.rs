//! A batch has a value at least.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, max_batch = 0)]
async fn save(users: Vec<User>) {
    drop(users);
}

fn main() {}
