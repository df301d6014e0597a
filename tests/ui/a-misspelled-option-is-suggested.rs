//! An unknown option is named, with the nearest one and the whole list.

use cached_runtime::cached;

#[cached(key = "user:<id>", tll = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
