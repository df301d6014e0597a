//! Here it is seen that this is a trait's method.

use async_trait::async_trait;
use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[async_trait]
trait Save {
    async fn save(&self, users: Vec<User>) -> Result<(), String>;
}

#[derive(Clone)]
struct Users;

#[async_trait]
impl Save for Users {
    #[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
    async fn save(&self, users: Vec<User>) -> Result<(), String> {
        drop(users);
        Ok(())
    }
}

fn main() {}
