//! The body is called with copies of the ids that are missing.

use cached_runtime::{KeyPart, cached};

#[derive(KeyPart)]
struct Id(i64);

#[cached(key = "user:<id>", ttl = 60, each = id in ids)]
async fn find(ids: &[Id]) -> Vec<Option<i64>> {
    ids.iter().map(|id| Some(id.0)).collect()
}

fn main() {}
