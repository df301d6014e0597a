//! The names of a pattern that is a macro cannot be seen.

use cached_runtime::invalidate;

macro_rules! name {
    () => {
        _name
    };
}

#[invalidate(key = "users")]
fn rename(name!(): i64) {}

fn main() {}
