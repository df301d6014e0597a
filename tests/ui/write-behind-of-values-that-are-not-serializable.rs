//! They are stored, and so have to be. One error for both functions.

use cached_runtime::write_behind;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    id: i64,
}

struct Opaque {
    id: i64,
}

#[write_behind(key = "opaque:<value.id>", each = value in values, ttl = 60)]
async fn save(values: Vec<Opaque>) {
    drop(values);
}

fn main() {}
