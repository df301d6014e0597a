//! The protocol as a model, and its whole space explored: `cargo test --test model`.
//!
//! **What is modelled.** One key of the store, which holds nothing, a lease, a write marker, the answer of a load that
//! stored nothing, or a value; the keys of one tag and of the prefix's epoch; one row of a database, whose version grows
//! with each commit. Readers of two processes look, wait, follow each other, load, fill, release and refresh. Writers
//! invalidate the key, the tag or the prefix after their commit, hide the key while they write, or write through. Every
//! lease and marker runs out at whatever moment does most harm. Commands are executed after their sender gave them up,
//! or never; calls are cancelled, processes die. Each step is atomic: one command at the store, one read of the
//! database, one hand-over between readers of a process. Which steps come next is not chosen: all orders are tried.
//!
//! * `store` is what the store does, `late` what it does too late.
//! * `reader`, `look`, `load` and `flight` are the reader, as `lookup.rs`, `slot.rs` and `flight.rs` are in the runtime.
//! * `writer` is every kind of writer, `mishap` what happens by itself.
//! * `promise` is what holds in each state: `holds` has the settings in which that was found to be so.
//! * `mutation` has the rules, each left out in one test of `broken`. The shortest way to a broken promise is what that
//!   test expects, so it is there to be read: it is the reason for the rule. `history` and `simulation` leave the same
//!   rules out of the real code.
//!
//! **What is not.** Time: deadlines only ever lead to a load of one's own, which is as new as can be. The store's memory:
//! a failover or a restart that forgets what it acknowledged. A database that is read from a lagging replica or inside
//! a transaction. `put`, which promises nothing. Damaged entries, other schema versions, batches (each key is on
//! its own), the queue of undelivered invalidations (what it holds is not complete), the retries of a release. A renewal
//! keeps a lease from running out, and here nothing does, so it is a step only where a rule about it is missing.
//!
//! Each of them reads or writes once, and there are few: a bet that what goes wrong with many goes wrong with few. Every
//! counterexample here gets by with three readers, or two writers.

#[path = "../support/mutation.rs"]
mod mutation;

mod broken;
mod explore;
mod flight;
mod holds;
mod late;
mod load;
mod look;
mod mishap;
mod name;
mod promise;
mod reader;
mod setting;
mod step;
mod store;
mod turn;
mod world;
mod writer;
