//! Write-behind below the macro: the queue, its workers, and what they promise; over memory and over a real Redis.

#[path = "../support/mod.rs"]
mod support;

#[path = "../faults/child.rs"]
mod child;

mod away;
mod crash;
mod fence;
mod order;
mod promises;
mod reads;
mod server;
mod servers;
mod sqlite;
mod table;
mod trouble;
