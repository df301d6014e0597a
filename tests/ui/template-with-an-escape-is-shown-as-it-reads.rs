//! The caret is drawn under the value of the literal, whatever its source looks like.

use cached_runtime::cached;

#[cached(key = r#"us"er:<idd>"#, ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
