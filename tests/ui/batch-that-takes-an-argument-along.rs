//! The body may run more than once, and every run has its own arguments.

use cached_runtime::cached;

struct Filter(i64);

#[cached(key = "user:<id>", ttl = 60, each = id in ids, skip(filter))]
async fn find(filter: Filter, ids: &[i64]) -> Vec<Option<String>> {
    ids.iter().map(|id| (*id < filter.0).then(|| id.to_string())).collect()
}

fn main() {}
