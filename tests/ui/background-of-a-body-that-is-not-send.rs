//! What a refresh in the background holds across an await goes to another thread.

use std::rc::Rc;

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, refresh = background)]
async fn find(id: i64) -> Option<String> {
    let counted = Rc::new(id);
    std::future::ready(()).await;
    Some(counted.to_string())
}

fn main() {}
