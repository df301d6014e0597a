//! What the cache promises while its Redis, its network or its processes fail: the body's value, in time, and hits
//! again once the trouble is over.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/proxy.rs"]
mod proxy;

mod admin;
mod child;
mod expiry;
mod service;

mod access;
mod between;
mod busy;
mod clock;
mod crash;
mod damage;
mod foreign;
mod frozen;
mod full;
mod health;
mod network;
mod outage;
mod paused;
mod read_only;
mod secrets;
mod storms;
mod undelivered;
mod unstored;
mod watchdog;
