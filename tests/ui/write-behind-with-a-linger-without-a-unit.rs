//! A number without a unit is seconds.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, linger = "50")]
async fn save(users: Vec<User>) {
    drop(users);
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, linger = 100)]
async fn save_later(users: Vec<User>) {
    drop(users);
}

fn main() {}
