//! What is returned is no key part, its fields are.

use cached_runtime::invalidate;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
    email: String,
}

#[invalidate(key = "user:<result>")]
async fn rename(id: i64) -> Result<User, String> {
    Ok(User { id, email: String::new() })
}

fn main() {}
