//! Whether an alias is `Result<(), E>`, the compiler knows.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

type Saved = Result<usize, String>;

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(users: Vec<User>) -> Saved {
    Ok(users.len())
}

fn main() {}
