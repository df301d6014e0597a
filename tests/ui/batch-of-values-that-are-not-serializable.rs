//! What is stored is one id's value.

use std::collections::HashMap;

use cached_runtime::cached;

struct User;

#[cached(key = "user:<id>", ttl = 60, each = id in ids)]
async fn find(ids: &[i64]) -> Result<HashMap<i64, User>, String> {
    Ok(ids.iter().map(|id| (*id, User)).collect())
}

fn main() {}
