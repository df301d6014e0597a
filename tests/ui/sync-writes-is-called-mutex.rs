//! Words of other crates are translated: `sync_writes` is `mutex`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, sync_writes)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
