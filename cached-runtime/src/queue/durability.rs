//! Whether a store keeps what is queued: asked before a worker begins.

use super::Queue;
use crate::error::Error;
use crate::event;
use crate::store::queues::Durability;

impl Queue {
    /// Refuses a store that silently loses what is queued, and says what others may lose.
    pub(super) fn judge(&self, durability: &Durability) -> Result<(), Error> {
        let name = self.name;
        if durability.volatile {
            event::notice!("cache: queue `{name}`: in memory, what is queued is lost with this process");
            return Ok(());
        }
        let evicts = durability.eviction.as_deref().filter(|policy| policy.starts_with("allkeys"));
        if let Some(policy) = evicts {
            let what = format!(
                "queue `{name}`: with `maxmemory-policy {policy}` Redis evicts queued writes, which are lost then, without \
                 an error: `CONFIG SET maxmemory-policy noeviction` (or `volatile-lru`), give the queue a server of its \
                 own, or write `accept_loss`"
            );
            if !self.accept_loss {
                return Err(Error::Setting(what));
            }
            event::warning!("cache: {what}");
        }
        if durability.logged == Some(false) {
            let what = format!(
                "queue `{name}`: without an append-only file a Redis that ends loses what is queued: `CONFIG SET \
                 appendonly yes` (and in redis.conf; `appendfsync everysec` loses up to two seconds, `always` nothing), or \
                 write `accept_loss`"
            );
            if !self.accept_loss {
                return Err(Error::Setting(what));
            }
            event::warning!("cache: {what}");
        }
        if durability.fsync.as_deref() == Some("no") {
            event::warning!(
                "cache: queue `{name}`: with `appendfsync no` the system decides when queued writes are on disk: set \
                 `everysec` or `always`"
            );
        }
        if durability.eviction.is_none() || durability.logged.is_none() {
            event::warning!(
                "cache: queue `{name}`: Redis does not say whether it evicts, or keeps, what is queued: allow `INFO`, and \
                 see to `maxmemory-policy noeviction` and `appendonly yes`"
            );
        }
        Ok(())
    }
}
