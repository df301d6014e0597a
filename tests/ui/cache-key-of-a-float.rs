//! A field is a key part.

use cached_runtime::CacheKey;

#[derive(CacheKey)]
#[cache_key("place:<latitude>", value = String)]
struct PlaceKey {
    latitude: f64,
}

fn main() {}
