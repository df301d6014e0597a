//! The places of `key!` are key parts.

use cached_runtime::key;

fn near_key(latitude: f64) -> cached_runtime::Key {
    key!("near:<latitude>")
}

fn main() {}
