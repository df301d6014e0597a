//! The real runtime over a simulated store, on a paused clock: thousands of short lives, each of which follows from its
//! seed alone. Commands are late, lost, repeated, or executed although nobody hears of it; leases expire, keys vanish,
//! processes die, callers go away. The checker is that of the history over a real Redis.

#[path = "../support/faulty.rs"]
mod faulty;
#[path = "../support/history/mod.rs"]
mod history;
#[path = "../support/mutation.rs"]
mod mutation;
#[path = "../support/seeded.rs"]
mod seeded;
#[path = "../support/mod.rs"]
mod support;

mod likeness;
mod network;
mod reproduction;
mod rules;
mod seeds;
mod server;
mod table;
mod weather;
mod world;
