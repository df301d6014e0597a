//! A key part is derived for one field; of several, the fields go into the template.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
struct Id {
    org: u32,
    user: u32,
}

fn main() {}
