//! A trait has no room for the worker: the compiler says so of its name.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

trait Save {
    async fn save(&self, users: Vec<User>) -> Result<(), String>;
}

#[derive(Clone)]
struct Users;

impl Save for Users {
    #[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
    async fn save(&self, users: Vec<User>) -> Result<(), String> {
        drop(users);
        Ok(())
    }
}

fn main() {}
