//! What the cache promises while its Redis, its network or its processes fail: the body's value, in time, and hits
//! again once the trouble is over.
//!
//! The faults that it was designed for, and where each is brought about (`binary::module::test`; here unless said
//! otherwise):
//!
//! | fault | tests |
//! |---|---|
//! | 1. the lease's holder is killed while it loads | `crash::a_killed_loader_..` |
//! | 2. a process is killed between any two commands | `between`, `crash::a_process_killed_at_any_moment_..`; its history: `history::ten_seconds` |
//! | 3. the holder stands still for several leases | `crash::a_stopped_loader_..` |
//! | 4. a load of several leases | `watchdog::a_load_of_several_leases_..` |
//! | 5. a body blocks its runtime past the lease | `watchdog::a_body_that_blocks_..` |
//! | 6. a crowd of several processes on a cold key | `crowd`, `behaviour::processes`, the example `stampede` |
//! | 7. a load fails, panics, is cancelled at any point | `abandoned`, `behaviour::failing`, `behaviour::cancellation` |
//! | 8. invalidations while loading | `history::ten_seconds`, `behaviour::races` |
//! | 9. the server hangs (`SIGSTOP`) | `paused`, `outage` (the binary), `health` |
//! | 10. it is killed, and starts empty or from an old dump | `outage`, `outage` (the binary), `restart`, `undelivered` |
//! | 11. connections are killed, those of waiters too | `storms`, `tracking`, `watchdog::a_connection_lost_..`, `history::ten_seconds` |
//! | 12. scripts are forgotten | `storms`, `cluster::promises` |
//! | 13. it sleeps | `paused::a_server_that_sleeps_..` |
//! | 14. it is out of memory | `full` |
//! | 15. it refuses writes: a replica, without replicas, unable to save | `read_only`, `undelivered` |
//! | 16. writes are paused | `paused::a_pause_of_writes_..`, `undelivered` |
//! | 17. the network is late, torn, silent one way or both, byte by byte, or drips | `network` |
//! | 18. it evicts leases and values at random | `full::a_server_that_evicts_..` |
//! | 19. damaged, foreign, older and newer entries | `damage`, `foreign`, `behaviour::version` |
//! | 20. a failover to a replica that has missed something | `cluster::failover`, `cluster::sentinel` |
//! | 21. a wall clock is set an hour forth or back | `clock` |
//! | 22. write-behind: producers, workers and the server die; the server is away, hangs, forgets; the database is down, or refuses a row | `write_behind` (a binary): `crash`, `fence`, `away`, `trouble` |
//! | 23. a slot moves while its keys are loaded | `cluster::migration` |
//!
//! What one process remembers of a server, and says about it: `health`, and `events` (a binary). How many loads it runs
//! for want of one: `bound`.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/proxy.rs"]
mod proxy;

#[allow(dead_code, reason = "its other parts are for other binaries")]
#[path = "../behaviour/gate.rs"]
mod gate;

mod admin;
mod child;
mod expiry;
mod service;

mod abandoned;
mod access;
mod between;
mod bound;
mod busy;
mod clock;
mod crash;
mod crowd;
mod damage;
mod foreign;
mod frozen;
mod full;
mod health;
mod network;
mod outage;
mod outage_cache;
mod paused;
mod read_only;
mod restart;
mod secrets;
mod storms;
mod tracking;
mod undelivered;
mod unstored;
mod watchdog;
