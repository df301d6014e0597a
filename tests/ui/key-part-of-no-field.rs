//! A struct without fields says nothing in a key.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
struct Everyone;

fn main() {}
