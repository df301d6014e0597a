//! A map is by the ids as they were asked for.

use std::collections::HashMap;

use cached_runtime::cached;

#[cached(key = "user:<name>", ttl = 60, each = name in names)]
async fn find(names: &[&str]) -> HashMap<String, usize> {
    names.iter().map(|name| (name.to_string(), name.len())).collect()
}

fn main() {}
