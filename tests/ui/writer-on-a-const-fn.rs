//! A `const fn` cannot reach a cache.

use cached_runtime::invalidate;

#[invalidate(key = "users")]
const fn touch() {}

fn main() {}
