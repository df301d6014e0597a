//! A cached value is `Serialize` and `DeserializeOwned`.

use cached_runtime::cached;

struct User;

#[cached(key = "user:<id>", ttl = 60)]
async fn find(id: i64) -> Result<Option<User>, String> {
    Ok((id > 0).then_some(User))
}

fn main() {}
