//! One is about a write that has ended.

use cached_runtime::invalidate;
use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[invalidate(tag = "users")]
#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(users: Vec<User>) {
    drop(users);
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
#[invalidate(tag = "users")]
async fn save_too(users: Vec<User>) {
    drop(users);
}

fn main() {}
