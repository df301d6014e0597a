//! What a cache holds on to by itself, for tests that look for leaks. Not for users.

use crate::cache::Cache;

/// How many things are in each of a cache's own maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Loads under way.
    pub flights: usize,
    /// Invalidations that wait to be delivered.
    pub queued: usize,
    /// Invalidations of the last minute, kept for the server that takes the place of the one that acknowledged them.
    pub replayed: usize,
}

impl Cache {
    /// Now.
    #[doc(hidden)]
    pub fn held(&self) -> Held {
        let inner = self.inner();
        Held { flights: inner.flights.len(), queued: inner.undelivered.len(), replayed: inner.undelivered.replayed() }
    }
}
