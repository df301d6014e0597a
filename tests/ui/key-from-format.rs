//! The template is not formatted: it names the arguments.

use cached_runtime::cached;

#[cached(key = format!("user:{id}"), ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
