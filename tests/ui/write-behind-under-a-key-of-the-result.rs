//! There is no result yet.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<result.id>", each = user in users, ttl = 60)]
async fn save(users: Vec<User>) -> Result<(), String> {
    drop(users);
    Ok(())
}

fn main() {}
