//! A key of the result is known when an older value could be there already.

use cached_runtime::write_through;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
    email: String,
}

#[write_through(key = "user:<result.id>", ttl = 60)]
async fn create(email: &str) -> Result<User, String> {
    Ok(User { id: 1, email: email.to_owned() })
}

fn main() {}
