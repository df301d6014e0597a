//! The example `soak`, for a quarter of a minute.

#[path = "../support/history/mod.rs"]
mod history;
#[path = "../support/soak/mod.rs"]
mod soak;

mod noticed;

use std::time::Duration;

use soak::fleet::Run;
use soak::process;
use soak::report::Report;
use soak::weather::Climate;
use tokio::process::Command;

/// Set in the child processes: this binary, run again for the same test.
const ORDER: &str = "SOAK_ORDER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_promise_breaks_while_faults_come_and_go() {
    if let Ok(order) = std::env::var(ORDER) {
        let order = serde_json::from_str(&order).expect("an order");
        return process::obey(&order).await.expect("work");
    }
    // Each fault once. More patience than by default: beside others on two cores a server that is well may take longer
    // to answer than one deserves that is not.
    let climate =
        Climate { length: Duration::from_secs(9), quiet: Duration::from_millis(1_500), faults: 7, fault: (300, 700) };
    let run = Run { climate, processes: 2, seed: 7, timeout_ms: Some(250) };
    let this = std::env::current_exe().expect("this binary");
    let outcome = run.soak(|order| {
        let mut child = Command::new(&this);
        child.args(["no_promise_breaks_while_faults_come_and_go", "--exact", "--nocapture"]);
        child.env(ORDER, order).stdout(std::process::Stdio::null());
        child
    });
    let outcome = outcome.await.expect("a history");
    let report = Report { outcome: &outcome, longest: Duration::from_secs(10) };
    println!("{report}");
    assert_eq!(report.broken(), Vec::<String>::new());
}
