//! What a pattern binds is looked at as an argument is.

use cached_runtime::cached;

#[cached(key = "near:<x>:<y>", ttl = 60)]
async fn near((x, y): (f32, u8)) -> Vec<u8> {
    vec![x as u8, y]
}

fn main() {}
