//! The names in `key!` are those of the code around it.

use cached_runtime::key;

fn user_key(id: i64) -> cached_runtime::Key {
    key!("user:<idd>:<id>")
}

fn main() {}
