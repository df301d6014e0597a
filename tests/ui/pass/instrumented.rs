//! `#[instrument]` on either side, and other attributes around: they stay where they are.

#![deny(warnings)]

use cached_runtime::{Cache, cached};
use tracing::instrument;

/// Above the span: it covers loads only.
#[instrument]
#[cached(key = "above:<id>", ttl = 60)]
#[inline]
#[must_use]
async fn above(id: u32) -> u32 {
    id
}

#[cached(key = "below:<id>", ttl = 60)]
#[instrument(skip_all, err)]
async fn below(id: u32) -> Result<u32, String> {
    if id == 0 {
        return Err("zero".to_owned());
    }
    Ok(id)
}

#[cached(key = "blocking:<id>", ttl = 60)]
#[instrument]
fn blocking(id: u32) -> Option<u32> {
    Some(id)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    for _ in 0..2 {
        assert_eq!(above(1).await, 1);
        assert_eq!(below(2).await, Ok(2));
        assert_eq!(blocking(3), Some(3));
    }
    assert!(below(0).await.is_err());
}
