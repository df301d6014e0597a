//! The ids are an argument, not a part of one.

use std::collections::HashMap;

use cached_runtime::cached;

struct Query {
    ids: Vec<i64>,
}

#[cached(key = "user:<id>", ttl = 60, each = id in query.ids)]
async fn find(query: &Query) -> HashMap<i64, String> {
    query.ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
