//! Every step's day, as a table.

use std::error::Error;
use std::time::Duration;

use cached_runtime::Cache;

use crate::day::{Day, day};
use crate::steps;

const PROCESSES: usize = 10;

/// Name, and what its day came to.
pub type Row = (&'static str, Day);

pub async fn table(url: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    // A prefix for each: one step's entries are nothing to the next.
    let caches = |step: usize| {
        let builder = Cache::builder().redis(url).prefix(format!("shop-{step}"));
        // On a busy machine a slow answer is no outage.
        let cache = || builder.clone().timeout(Duration::from_secs(5)).build();
        (0..PROCESSES).map(|_| cache()).collect::<Result<Vec<Cache>, _>>()
    };
    Ok(vec![
        ("no cache", day::<steps::no_cache::Catalogue>(caches(0)?, PROCESSES).await?),
        ("`cached`", day::<steps::with_cached::Catalogue>(caches(1)?, PROCESSES).await?),
        ("`mutex`", day::<steps::with_mutex::Catalogue>(caches(2)?, 1).await?),
        ("`none_ttl`", day::<steps::with_none_ttl::Catalogue>(caches(3)?, 1).await?),
        ("`invalidate`", day::<steps::with_invalidate::Catalogue>(caches(4)?, 1).await?),
        ("`tag`", day::<steps::with_tag::Catalogue>(caches(5)?, 1).await?),
        ("`write_through`", day::<steps::with_write_through::Catalogue>(caches(6)?, 1).await?),
        ("`each`", day::<steps::with_each::Catalogue>(caches(7)?, 1).await?),
    ])
}

/// As in the guide.
pub fn line((name, day): &Row) -> String {
    format!("| {name} | {} | {} |", day.reads, day.old)
}
