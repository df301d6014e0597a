//! A union does not know which of its fields it is.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
union Bits {
    number: u32,
    bytes: [u8; 4],
}

fn main() {}
