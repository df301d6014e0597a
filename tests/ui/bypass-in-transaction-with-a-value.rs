//! `bypass_in_transaction` is a word.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, bypass_in_transaction(tx))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
