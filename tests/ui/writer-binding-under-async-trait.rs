//! Under `#[async_trait]` the names in a pattern are gone.

use cached_runtime::invalidate;

struct Users;

#[async_trait::async_trait]
trait Rename {
    async fn rename(&self, pair: (i64, i64)) -> Result<(), String>;
}

#[async_trait::async_trait]
impl Rename for Users {
    #[invalidate(key = "user:<id>")]
    async fn rename(&self, (id, org): (i64, i64)) -> Result<(), String> {
        Err(format!("{id}{org}"))
    }
}

fn main() {}
