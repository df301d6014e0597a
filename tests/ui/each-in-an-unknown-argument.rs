//! The ids are an argument.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, each = id in id_list)]
async fn find(ids_list: &[i64]) -> HashMap<i64, String> {
    ids_list.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
