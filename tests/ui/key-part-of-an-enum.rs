//! A key part is derived for a struct; an enum can be hashed.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
enum Kind {
    One,
    Two,
}

fn main() {}
