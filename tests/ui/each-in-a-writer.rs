//! Writers know no batches in this version.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>", each = id in ids)]
async fn delete(ids: &[i64]) {
    drop(ids.to_vec());
}

fn main() {}
