//! The worker has another `self`.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[derive(Clone)]
struct Users {
    tenant: String,
}

impl Users {
    #[write_behind(key = "<self.tenant>:<user.id>", each = user in users, ttl = 60)]
    async fn save(&self, users: Vec<User>) {
        let _ = (&self.tenant, users);
    }
}

fn main() {}
