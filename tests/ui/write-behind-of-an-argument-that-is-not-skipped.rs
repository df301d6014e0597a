//! The worker has an argument of its own.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(org: i64, users: Vec<User>) -> Result<(), String> {
    let _ = (org, users);
    Ok(())
}

fn main() {}
