//! Values come back by key: the key is `Clone`, `Eq` and `Hash`.

use std::time::Duration;

use cached_runtime::{Cache, CacheKey, ReadThrough};

#[derive(CacheKey)]
#[cache_key("square:<number>", value = u64)]
struct Square {
    number: u64,
}

fn main() {
    let load = |key: Square| async move { Ok::<_, std::io::Error>(Some(key.number.pow(2))) };
    ReadThrough::new(Cache::in_memory(), Duration::from_secs(60), load);
}
