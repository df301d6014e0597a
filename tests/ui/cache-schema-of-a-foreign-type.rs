//! Every field says what serde makes of it, or is `opaque`.

use cached_runtime::CacheSchema;

struct Decimal(u128);

#[derive(CacheSchema)]
struct Invoice {
    id: u64,
    total: Option<Decimal>,
}

fn main() {}
