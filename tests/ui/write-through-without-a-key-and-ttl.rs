//! What is stored has a key and a time to live.

use cached_runtime::write_through;

#[write_through(value = name.to_owned())]
async fn rename(id: i64, name: &str) -> Result<(), String> {
    Err(format!("{id}{name}"))
}

fn main() {}
