//! A future behind an alias is not seen; the error says how to show it.

use cached_runtime::cached;

type Answer = std::pin::Pin<Box<dyn Future<Output = u8> + Send>>;

#[cached(key = "answer", ttl = 60)]
fn find() -> Answer {
    Box::pin(async { 1 })
}

fn main() {}
