//! `key!` reads templates as `#[cached]` does.

use cached_runtime::key;

fn user_key(id: i64) -> cached_runtime::Key {
    key!("user:<id")
}

fn main() {}
