//! An id alone does not say its template: it becomes a key by `From`, or is written as one.

use cached_runtime::{CacheKey, ReadThrough};

#[derive(CacheKey, Clone, PartialEq, Eq, Hash)]
#[cache_key("square:<number>", value = u64)]
struct Square {
    number: u64,
}

async fn square(squares: &ReadThrough<Square, std::io::Error>, number: u64) -> Option<u64> {
    squares.get(&number).await.unwrap()
}

fn main() {}
