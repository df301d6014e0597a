//! `two_phase` is a word.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>", two_phase = true)]
async fn rename(id: i64) -> Result<(), String> {
    Err(id.to_string())
}

fn main() {}
