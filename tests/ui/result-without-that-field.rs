//! A place of the result is a field of what is returned.

use cached_runtime::invalidate;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
    email: String,
}

#[invalidate(key = "user:email:<result.mail>")]
async fn rename(id: i64) -> Result<User, String> {
    Ok(User { id, email: String::new() })
}

fn main() {}
