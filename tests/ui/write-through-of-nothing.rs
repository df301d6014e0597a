//! Without a value there is nothing to store.

use cached_runtime::write_through;

#[write_through(key = "user:<id>", ttl = 60)]
async fn rename(id: i64, name: &str) -> Result<(), String> {
    Err(format!("{id}{name}"))
}

#[write_through(key = "user:<id>", ttl = 60)]
fn touch(id: i64) {
    let _seen = id;
}

fn main() {}
