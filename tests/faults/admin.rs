//! The operator's connection: opened before the trouble, so that it outlives passwords, limits and full memory.

use crate::support::Redis;

pub struct Admin(redis::Connection);

impl Admin {
    pub fn of(redis: &Redis) -> Self {
        Self::at(&redis.url())
    }

    pub fn at(url: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        Self(client.get_connection().expect("a connection"))
    }

    pub fn run<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> redis::RedisResult<T> {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query(&mut self.0)
    }

    /// A command that must succeed.
    pub fn must(&mut self, words: &[&str]) {
        self.run::<redis::Value>(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }

    pub fn config(&mut self, name: &str, value: &str) {
        self.must(&["CONFIG", "SET", name, value]);
    }

    /// What a key holds, of whatever bytes.
    pub fn bytes(&mut self, key: &str) -> Option<Vec<u8>> {
        self.run(&["GET", key]).expect("GET")
    }

    /// Whether somebody holds the lease of a key now.
    pub fn leased(&mut self, key: &str) -> bool {
        self.bytes(key).is_some_and(|bytes| bytes.starts_with(LEASE))
    }
}

/// How a lease placeholder begins.
pub const LEASE: &[u8] = &[0xC5, b'L'];
/// How a stored value begins.
pub const VALUE: &[u8] = &[0xC5, b'V'];
