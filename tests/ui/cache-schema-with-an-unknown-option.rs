//! What serde is told needs no second attribute.

use cached_runtime::CacheSchema;

#[derive(CacheSchema)]
struct Invoice {
    #[cache_schema(rename = "ID")]
    id: u64,
}

fn main() {}
