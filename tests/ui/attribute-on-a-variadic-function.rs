//! Variadic arguments have no names, and no place in a key. (They are unstable, which the compiler says, too.)

use cached_runtime::cached;

#[cached(key = "sum", ttl = 60)]
unsafe extern "C" fn sum(_: ...) -> u8 {
    0
}

fn main() {}
