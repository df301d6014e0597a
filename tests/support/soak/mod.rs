//! Minutes of mixed load from several processes while faults come and go, and a table of what came of it.
//!
//! ```text
//! process   readers, writers, and the history's log ──▶ fleet ──▶ judge ──▶ report
//! weather   faults on a server ── phases ──▶ processes, and leftover, which samples the server's keys
//! ```
//!
//! **What is a stale read here.** One that began after a write was over, and returned an older version. Not counted,
//! because nothing could prevent it:
//!
//! * A read in another process after a write whose invalidation is only queued. It is counted apart. A read in the *same*
//!   process after such a write must be as new as the write, and is an offence where it is not.
//! * What a server forgets: this one has no files, so one that is killed comes back empty and with no old value in it.
//!   A server that comes back from an old dump may serve what was invalidated since the dump, until the invalidations of
//!   the last minute were replayed (`tests/faults` has that case).
//!
//! Two leases for one key are not looked for: a server that comes back empty has forgotten that it gave one. The example
//! `history` looks for them, over a server that forgets nothing.
#![allow(dead_code, reason = "the example and the test use their own part")]

pub mod fleet;
pub mod judge;
pub mod leftover;
pub mod process;
pub mod report;
pub mod server;
pub mod weather;
