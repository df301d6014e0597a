//! Write-behind below the macro: the queue, its workers, and what they promise; over memory and over a real Redis.

#[path = "../support/mod.rs"]
mod support;

mod order;
mod promises;
mod servers;
mod table;
mod trouble;
