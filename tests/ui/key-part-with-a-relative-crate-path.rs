//! The path to the runtime means the same in every module.

use cached_runtime::KeyPart;

#[derive(KeyPart)]
#[key_part(crate = my::cache)]
struct Id(u32);

fn main() {}
