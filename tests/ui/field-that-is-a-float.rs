//! A field in a key is looked at as an argument is.

use cached_runtime::cached;

struct Place {
    latitude: f64,
}

#[cached(key = "near:<place.latitude>", ttl = 60)]
async fn near(place: &Place) -> Vec<u8> {
    vec![place.latitude as u8]
}

fn main() {}
