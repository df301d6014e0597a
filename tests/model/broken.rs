//! The protocol with one rule less: each time a promise is broken, and this is the shortest way there.

mod sharing;
mod stamps;
mod storing;
mod writing;

use crate::explore::explore;
use crate::mutation::Mutation;
use crate::promise::Promise;
use crate::setting::Setting;

#[track_caller]
fn broken(mutation: Mutation, setting: Setting, promise: Promise, steps: &[&str]) {
    let (_, counterexample) = explore(&format!("{mutation:?}"), setting, Some(mutation));
    let counterexample = counterexample.expect("nothing depends on this rule");
    assert_eq!(counterexample.promise, promise, "{counterexample:#?}");
    assert_eq!(counterexample.steps, steps, "{counterexample:#?}");
}

/// The same setting, and nothing goes wrong but what the missing rule is about.
const fn calm(setting: Setting) -> Setting {
    Setting { timeouts: 0, deaths: 0, evicts: false, ..setting }
}
