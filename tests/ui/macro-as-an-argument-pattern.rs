//! The names that a macro binds cannot be seen.

use cached_runtime::cached;

macro_rules! pair {
    () => {
        (_, _)
    };
}

#[cached(key = "pair", ttl = 60)]
async fn find(pair!(): (u8, u8)) -> Option<u8> {
    None
}

fn main() {}
