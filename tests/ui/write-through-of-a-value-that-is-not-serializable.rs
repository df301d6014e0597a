//! A given value is `Serialize` and `DeserializeOwned`.

use cached_runtime::write_through;

struct User {
    id: i64,
}

#[write_through(key = "user:<user.id>", ttl = 60, value = user)]
async fn save(user: &User) -> Result<(), String> {
    Err(user.id.to_string())
}

fn main() {}
