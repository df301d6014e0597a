//! The call has ended before there is one.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(users: Vec<User>) -> Result<usize, String> {
    Ok(users.len())
}

fn main() {}
