//! A returned value is `Serialize` and `DeserializeOwned`.

use cached_runtime::write_through;

struct User;

#[write_through(key = "user:<id>", ttl = 60)]
async fn save(id: i64) -> Result<User, String> {
    Err(id.to_string())
}

fn main() {}
