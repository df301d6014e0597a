//! What the cache promises on servers of other versions and makers than the installed one; `scripts/servers` brings them.

#[allow(dead_code, reason = "the faults use all of it")]
#[path = "../behaviour/logged.rs"]
mod logged;
#[allow(dead_code, reason = "the cluster's tests use all of it")]
#[path = "../cluster/server.rs"]
mod server;
#[allow(dead_code, reason = "the faults use all of it")]
#[path = "../faults/service.rs"]
mod service;
#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod installed;
mod disguise;
mod figures;

mod access;
mod cost;
mod older;
mod promises;
mod refused;
mod socket;
