//! The worker is a task, and what the body holds across an await moves between threads with it.

use cached_runtime::write_behind;
use std::rc::Rc;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(users: Vec<User>) {
    let count = Rc::new(users.len());
    std::future::ready(()).await;
    drop(count);
}

fn main() {}
