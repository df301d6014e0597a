//! A name that is no argument is suggested; the argument that was meant is not reported as forgotten.

use cached_runtime::cached;

#[cached(key = "user:<idd>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
