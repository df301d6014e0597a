//! `key!` takes a literal.

use cached_runtime::key;

const TEMPLATE: &str = "user:<id>";

fn user_key() -> cached_runtime::Key {
    key!(TEMPLATE)
}

fn main() {}
