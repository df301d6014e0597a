//! Every mistake is reported in one pass, each where it is.

use cached_runtime::cached;

#[cached(key = "user:<idd>:<page", tll = 60, mutex(leese = 1), version = 0, skip(pol))]
async fn find(pool: &str, id: i64) -> Option<&str> {
    (id > 0).then_some(pool)
}

fn main() {}
