//! The options of a writer are its own.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60, valeu = name.to_owned())]
async fn rename(id: i64, name: &str) -> Result<String, String> {
    Err(format!("{id}{name}"))
}

fn main() {}
