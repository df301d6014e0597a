//! A read inside of a transaction would cache what may never be committed.

use cached_runtime::cached;

struct Transaction<'c>(&'c str);

#[cached(key = "user:<id>", ttl = 60)]
async fn find(tx: &mut Transaction<'_>, id: i64) -> Option<String> {
    Some(format!("{}{id}", tx.0))
}

fn main() {}
