//! serde derives nothing for unions either.

use cached_runtime::CacheSchema;

#[derive(CacheSchema)]
union Bits {
    int: u32,
    float: f32,
}

fn main() {}
