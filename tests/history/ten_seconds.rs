//! The example `history`, for ten seconds.

use std::time::Duration;

use tokio::process::Command;

use crate::history::fleet::{Outcome, Run};
use crate::history::process;
use crate::support::Redis;

/// Set in the child processes: this binary, run again for the same test.
const ORDER: &str = "HISTORY_ORDER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_that_began_after_a_write_was_over_is_stale() {
    if let Ok(order) = std::env::var(ORDER) {
        let order = serde_json::from_str(&order).expect("an order");
        return process::obey(&order).await.expect("work");
    }
    let (redis, database) = (Redis::start(), Redis::start());
    let run =
        Run { redis: &redis.url(), database: &database.url(), processes: 4, length: Duration::from_secs(10), seed: 7 };
    let this = std::env::current_exe().expect("this binary");
    let outcome = run.check(|order| {
        let mut child = Command::new(&this);
        let test = "ten_seconds::no_read_that_began_after_a_write_was_over_is_stale";
        child.args([test, "--exact", "--nocapture"]).env(ORDER, order).stdout(std::process::Stdio::null());
        child
    });
    let Outcome { checker, figures } = outcome.await.expect("a history");
    let counts = checker.counts();
    println!("{counts:?}\n{figures:?}");
    if let Some(story) = checker.shortest() {
        panic!("{} offences, the shortest: {story}", counts.offences());
    }
    assert!(figures.hits * 2 >= counts.reads, "less than half of the reads were hits");
    assert!(counts.looks > 0, "nobody looked at how long anything lives");
    assert!(figures.hits_local * 20 >= counts.reads, "less than one read in twenty was answered in its process");
    assert!(figures.late_fills > 0, "no late fill was rejected: nothing raced");
}
