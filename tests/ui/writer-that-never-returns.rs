//! What follows the write has to happen.

use cached_runtime::invalidate;

#[invalidate(key = "users")]
async fn run() -> ! {
    loop {
        tokio::task::yield_now().await;
    }
}

fn main() {}
