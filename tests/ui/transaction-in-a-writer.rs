//! A write inside of a transaction is not there before its commit.

use cached_runtime::{invalidate, write_through};

struct Transaction<'c>(&'c str);

#[invalidate(key = "user:<id>")]
async fn rename(tx: &mut Transaction<'_>, id: i64) -> Result<(), String> {
    Err(format!("{}{id}", tx.0))
}

#[write_through(key = "user:<id>", ttl = 60)]
fn create(tx: &mut Transaction<'_>, id: i64) -> String {
    format!("{}{id}", tx.0)
}

fn main() {}
