//! A key part is derived for one field; of several, the fields go into the template. The uses of the type are no
//! errors of their own.

use cached_runtime::{Key, KeyPart, key};

#[derive(KeyPart)]
struct Id {
    org: u32,
    user: u32,
}

fn user_key(id: Id) -> Key {
    key!("user:<id>")
}

fn main() {}
