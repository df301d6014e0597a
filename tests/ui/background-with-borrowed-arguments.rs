//! Arguments of a function that refreshes in the background are owned.

use cached_runtime::cached;

struct Pool;

#[cached(key = "user:<org>:<name>:<ids>", ttl = 60, refresh = background, skip(pool, source))]
async fn find(pool: &Pool, source: &dyn Send, org: &str, name: Option<&String>, ids: &[i64]) -> Option<String> {
    let _ = (pool, source, name, ids);
    Some(org.to_owned())
}

fn main() {}
