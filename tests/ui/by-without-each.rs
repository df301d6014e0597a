//! `by` belongs to a batch.

use cached_runtime::cached;

#[cached(key = "users:<org>", ttl = 60, by = |user| user.0)]
async fn list(org: u8) -> Vec<(i64, u8)> {
    vec![(1, org)]
}

fn main() {}
