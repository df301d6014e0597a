//! The tags of a value are read before the write.

use cached_runtime::write_through;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
    email: String,
}

#[write_through(key = "user:<email>", tag = "org:<result.id>", ttl = 60)]
async fn create(email: &str) -> Result<User, String> {
    Ok(User { id: 1, email: email.to_owned() })
}

fn main() {}
