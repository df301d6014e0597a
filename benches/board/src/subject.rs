//! Who is measured, and how each was set up: the same value, one connection each, entries that live an hour.

use crate::lock::Versions;

pub struct Subject {
    /// The name that its process is started with.
    pub id: &'static str,
    pub shown: &'static str,
    /// Whose version counts.
    pub of: &'static str,
    pub settings: &'static str,
}

const fn subject(id: &'static str, shown: &'static str, of: &'static str, settings: &'static str) -> Subject {
    Subject { id, shown, of, settings }
}

pub const SUBJECTS: &[Subject] = &[
    subject(
        "ours-local",
        "cached-runtime, local",
        "cached-runtime",
        "`#[cached(key = \"user:<id>\", ttl = 3600, local)]` over `Cache::in_memory()`",
    ),
    subject(
        "ours-memory",
        "cached-runtime, in memory",
        "cached-runtime",
        "`#[cached(key = \"user:<id>\", ttl = 3600, mutex)]` over `Cache::in_memory()`",
    ),
    subject(
        "ours",
        "cached-runtime",
        "cached-runtime",
        "`#[cached(key = \"user:<id>\", ttl = 3600, mutex)]` over Redis, nothing else set",
    ),
    subject("ours-two-tier", "cached-runtime, local over Redis", "cached-runtime", "the same with `local`"),
    subject(
        "cached-memory",
        "cached, #[cached]",
        "cached",
        "`max_size = 65536, ttl_secs = 3600, sync_writes = \"by_key\"`",
    ),
    subject("cached-sharded", "cached, #[concurrent_cached]", "cached", "`max_size = 65536, ttl_secs = 3600`"),
    subject(
        "cached",
        "cached over Redis",
        "cached",
        "`#[concurrent_cached]` with an `AsyncRedisCache`, `connection_manager(true)`: without it a lost connection stays lost",
    ),
    subject("moka-memory", "moka", "moka", "`try_get_with`, a `format!` key, `time_to_live`"),
    subject(
        "moka",
        "moka + Redis by hand",
        "moka",
        "`try_get_with` around `GET`, the load and `SETEX` on a `ConnectionManager`; entries in the process live 1 s",
    ),
    subject(
        "hitbox-memory",
        "hitbox over moka",
        "hitbox",
        "`#[cached(prefix = ..)]`, `BroadcastConcurrencyManager`, concurrency 1",
    ),
    subject("hitbox", "hitbox over Redis", "hitbox", "the same over `RedisBackend`, its default formats"),
    subject("amalgam-memory", "amalgam-cache", "amalgam-cache", "`get_or_set`, default options"),
    subject(
        "amalgam-remote",
        "amalgam-cache, no first tier",
        "amalgam-cache",
        "as the next, with `with_skip_memory(true, true)`",
    ),
    subject(
        "amalgam",
        "amalgam-cache over Redis",
        "amalgam-cache",
        "its example over Redis (JSON, backplane, locker), fail-safe, timeouts of 100 and 500 ms, breakers of 1 s",
    ),
    subject("oxcache-memory", "oxcache", "oxcache", "`get_or` over its default backend"),
    subject("oxcache-remote", "oxcache, Redis only", "oxcache", "`get_or` over `RedisBackend`"),
    subject(
        "oxcache",
        "oxcache, chain over Redis",
        "oxcache",
        "`get_or` over a `ChainCache` of moka (1 s) and `RedisBackend`",
    ),
    subject(
        "by-hand",
        "Redis by hand",
        "redis",
        "`GET`, `SETNX`, `EXPIRE`, `SETEX`, `DEL`, sleeping 100 ms where another has the lock; a `ConnectionManager`; an error is a miss",
    ),
    subject(
        "quick-cache",
        "lookup by hand (limit)",
        "quick_cache",
        "quick_cache, the key on the stack, a coarse deadline, a clone: the example `local_hit`",
    ),
    subject("quick-cache-get", "quick_cache get", "quick_cache", "a `u64` key, no deadline, a clone"),
    subject("redis", "redis-rs GET (limit)", "redis", "`GET` on a multiplexed connection, then serde_json"),
    subject(
        "socket",
        "socket by hand",
        "redis",
        "`GET` written into a `TcpStream`, then serde_json; one call at a time",
    ),
    subject(
        "tracked",
        "tracked GET by hand",
        "redis",
        "a `TcpStream` with `CLIENT TRACKING`: whoever finds nothing and has not the lock waits for the push and reads again",
    ),
];

/// Known by name.
pub fn named(id: &str) -> &'static Subject {
    SUBJECTS.iter().find(|subject| subject.id == id).unwrap_or_else(|| panic!("no subject `{id}`"))
}

impl Subject {
    pub fn version<'v>(&self, versions: &'v Versions) -> &'v str {
        versions.of(self.of)
    }
}
