//! The derive has one option, `crate`.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
#[key_part(name = "id")]
struct Id(u32);

fn main() {}
