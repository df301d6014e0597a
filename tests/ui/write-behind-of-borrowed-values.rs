//! Values outlive the call.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(users: &[User]) -> Result<(), String> {
    let _ = users;
    Ok(())
}

fn main() {}
