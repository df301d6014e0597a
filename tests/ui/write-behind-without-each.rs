//! Which argument has the values?

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", ttl = 60)]
async fn save(users: Vec<User>) -> Result<(), String> {
    drop(users);
    Ok(())
}

fn main() {}
