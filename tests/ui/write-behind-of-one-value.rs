//! The body writes a batch.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", ttl = 60)]
async fn save(user: User) -> Result<(), String> {
    drop(user);
    Ok(())
}

fn main() {}
