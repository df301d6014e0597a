//! A server of one map: each step is atomic, entries expire by the runtime's clock, whoever watches a key is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cached_runtime::store::{Ask, Bytes, Stamp};
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub struct Server {
    entries: Mutex<BTreeMap<String, Held>>,
    watched: Mutex<BTreeMap<String, Arc<Notify>>>,
}

#[derive(Clone, Debug)]
struct Held {
    bytes: Bytes,
    expires: Option<Instant>,
}

impl Server {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told of every change of the key.
    pub fn watch(&self, key: &str) -> Arc<Notify> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(watched.entry(key.to_owned()).or_default())
    }

    fn held(&self, key: &str) -> Option<Held> {
        self.entries().get(key).filter(|held| held.expires.is_none_or(|at| Instant::now() < at)).cloned()
    }

    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.held(key).map(|held| held.bytes)
    }

    /// How long the key has to live.
    pub fn life(&self, key: &str) -> Option<Duration> {
        Some(self.held(key)?.expires?.saturating_duration_since(Instant::now()))
    }

    pub fn set(&self, key: &str, bytes: Bytes, px: Option<Duration>) {
        let held = Held { bytes, expires: px.and_then(|px| Instant::now().checked_add(px)) };
        self.entries().insert(key.to_owned(), held);
        self.watch(key).notify_waiters();
    }

    /// Lets it live that long from now.
    pub fn extend(&self, key: &str, px: Duration) {
        if let Some(held) = self.entries().get_mut(key) {
            held.expires = Instant::now().checked_add(px);
        }
    }

    pub fn delete(&self, key: &str) {
        self.entries().remove(key);
        self.watch(key).notify_waiters();
    }

    pub fn keys(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    /// What the key holds, or `None` after `bytes` were put there.
    pub fn get_or_set(&self, key: &str, bytes: Bytes, px: Duration) -> Option<Bytes> {
        let held = self.get(key);
        if held.is_none() {
            self.set(key, bytes, Some(px));
        }
        held
    }

    /// Whether the key holds something that begins so.
    pub fn begins(&self, key: &str, prefix: &[u8]) -> bool {
        self.get(key).is_some_and(|held| held.starts_with(prefix))
    }

    pub fn stamp(&self, ask: &Ask) -> Option<Stamp> {
        match self.get_or_set(&ask.key, Bytes::copy_from_slice(&ask.fresh.to_le_bytes()), ask.px) {
            None => Some(ask.fresh),
            Some(bytes) => bytes[..].try_into().ok().map(Stamp::from_le_bytes),
        }
    }
}
