//! `on_full = error` needs one.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, on_full = error)]
async fn save(users: Vec<User>) {
    drop(users);
}

struct NotFound;

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, on_full = error)]
async fn save_found(users: Vec<User>) -> Result<(), NotFound> {
    drop(users);
    Ok(())
}

fn main() {}
