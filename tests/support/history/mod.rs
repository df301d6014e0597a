//! The history checker: what readers, writers and the store say of themselves, and whether it may have happened.
//!
//! ```text
//! rows ── recorder ──▶ log ──▶ merge ──▶ checker ──▶ story
//! readers   the store    one per    by time   one pass,     the shortest offence,
//! writers   underneath   process              O(1) each     for people
//! ```
//!
//! `process` and `fleet` run it over a real Redis, in several processes and amid `trouble`; the simulation feeds the
//! same log from simulated ones.
#![allow(dead_code, reason = "the example and each test binary use their own part")]

pub mod acknowledged;
pub mod caller;
pub mod checker;
pub mod clock;
pub mod counters;
#[path = "../dice.rs"]
pub mod dice;
pub mod event;
pub mod fleet;
pub mod habits;
mod leases;
pub mod lives;
mod loads;
pub mod log;
pub mod merge;
pub mod process;
pub mod recorder;
pub mod rows;
pub mod story;
pub mod trouble;
pub mod writes;
