//! The worker is a task.

use cached_runtime::write_behind;
use std::rc::Rc;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, skip(pool))]
async fn save(pool: Rc<u8>, users: Vec<User>) {
    let _ = (pool, users);
}

fn main() {}
