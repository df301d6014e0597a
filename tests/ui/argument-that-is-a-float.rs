//! Floats are no key parts: sums that should be equal are not.

use cached_runtime::cached;

#[cached(key = "near:<latitude>", ttl = 60)]
async fn near(latitude: f64) -> Vec<u8> {
    vec![latitude as u8]
}

fn main() {}
