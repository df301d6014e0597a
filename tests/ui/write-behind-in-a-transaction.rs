//! The body runs when the transaction is over.

use cached_runtime::write_behind;
use sqlx::{Sqlite, Transaction};

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

#[write_behind(key = "user:<user.id>", each = user in users, ttl = 60)]
async fn save(tx: &mut Transaction<'_, Sqlite>, users: Vec<User>) -> Result<(), sqlx::Error> {
    let _ = (tx, users);
    Ok(())
}

fn main() {}
