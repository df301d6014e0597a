//! What the cache promises over several servers: a Redis Cluster, and a master that sentinels watch.

#[allow(dead_code, reason = "the faults use all of it")]
#[path = "../faults/service.rs"]
mod service;
#[path = "../support/mod.rs"]
mod support;

mod nodes;
#[allow(dead_code, reason = "other servers' tests use all of it")]
mod server;

mod access;
mod encrypted;
mod failover;
mod migration;
mod promises;
mod sentinel;
mod targets;
