//! The worker outlives the call.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[derive(Clone)]
struct Pool;

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, skip(pool, name))]
async fn save(pool: &Pool, name: &str, users: Vec<User>) -> Result<(), String> {
    let _ = (pool, name, users);
    Ok(())
}

fn main() {}
