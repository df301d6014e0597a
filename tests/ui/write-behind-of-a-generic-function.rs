//! A queue holds values of one type.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60, skip(pool))]
async fn save<P: Clone + Send + Sync + 'static>(pool: P, users: Vec<User>) -> Result<(), String> {
    let _ = (pool, users);
    Ok(())
}

fn main() {}
