//! A writer that writes at once has no queue.

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[cached_runtime::write_through(key = "user:<user.id>", ttl = 60, value = user, linger = "50ms")]
async fn save(user: User) {
    drop(user);
}

fn main() {}
