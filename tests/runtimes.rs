//! One cache and any number of tokio runtimes: one after another, side by side, or none at all.

#[path = "support/mod.rs"]
mod support;

#[path = "faults/child.rs"]
mod child;

#[path = "runtimes/rows.rs"]
mod rows;

#[path = "runtimes/blocking.rs"]
mod blocking;
#[path = "runtimes/busy.rs"]
mod busy;
#[path = "runtimes/chosen.rs"]
mod chosen;
#[path = "runtimes/foreign_executor.rs"]
mod foreign_executor;
#[path = "runtimes/from_env.rs"]
mod from_env;
#[path = "runtimes/gone.rs"]
mod gone;
#[path = "runtimes/several.rs"]
mod several;
