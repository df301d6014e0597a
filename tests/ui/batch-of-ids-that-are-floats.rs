//! An id is a key part.

use cached_runtime::cached;

#[cached(key = "price:<price>", ttl = 60, each = price in prices)]
async fn find(prices: &[f64]) -> Vec<Option<String>> {
    prices.iter().map(|price| Some(price.to_string())).collect()
}

fn main() {}
