//! A cached value is read back from bytes: it lives on nothing.

use cached_runtime::cached;

use std::borrow::Cow;

#[cached(key = "user:<name>", ttl = 60)]
async fn find(name: &str) -> Cow<'_, str> {
    Cow::Borrowed(name)
}

fn main() {}
