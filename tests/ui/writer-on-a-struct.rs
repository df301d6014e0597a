//! A writer is a function.

use cached_runtime::{invalidate, write_through};

#[invalidate(key = "users")]
struct Users;

#[write_through(key = "users", ttl = 60)]
impl Users {}

fn main() {}
