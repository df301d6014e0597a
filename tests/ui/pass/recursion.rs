//! A function that calls itself, behind a box as without the attribute, and one that does so in plain code.

#![deny(warnings)]

use cached_runtime::{Cache, cached};

#[cached(key = "factorial:<n>", ttl = 60)]
async fn factorial(n: u64) -> u64 {
    if n < 2 {
        return 1;
    }
    n * Box::pin(factorial(n - 1)).await
}

#[cached(key = "fibonacci:<n>", ttl = 60)]
fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    assert_eq!(factorial(10).await, 3_628_800);
    assert_eq!(tokio::task::spawn_blocking(|| fibonacci(20)).await.unwrap(), 6_765);
}
