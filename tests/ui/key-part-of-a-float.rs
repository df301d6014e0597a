//! A newtype of a float is no key part either.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
struct Latitude(f64);

fn main() {}
