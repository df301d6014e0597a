//! What a cache's keys are called in the store: those of users, and its own beside them.

use std::sync::Arc;

use super::Inner;
use crate::key::{Key, Text};
use crate::store::queues::Names;

/// What our own names begin with, after the prefix: inside of it, so that whoever may use the prefix may use them.
const TAG: &str = "%tag:";
pub(super) const EPOCH: &str = "%epoch";
const PROBE: &str = "%probe";
const REFRESH: &str = "%refresh:";
const QUEUE: &str = "%queue:";

/// What is written to find out whether a server takes writes.
#[cfg(feature = "redis")]
pub(crate) fn probe(prefix: &str) -> Arc<str> {
    under(prefix, PROBE, "")
}

/// `<prefix>:<sort><name>`.
pub(super) fn under(prefix: &str, sort: &str, name: &str) -> Arc<str> {
    // As it is for most calls: one allocation, not two.
    if prefix.is_empty() && sort.is_empty() {
        return name.into();
    }
    let colon = if prefix.is_empty() { "" } else { ":" };
    let mut whole = Text::new();
    [prefix, colon, sort, name].into_iter().for_each(|part| whole.push_str(part));
    whole.as_str().into()
}

impl Inner {
    /// `<prefix>:<key>`.
    pub(crate) fn store_key(&self, key: &Key) -> Arc<str> {
        let key = key.as_str();
        // A template may begin like one of ours, or like what this makes of that. No argument does: what is escaped in
        // one goes on with other letters.
        let named = key.trim_start_matches('!');
        let ours = [TAG, EPOCH, PROBE, REFRESH, QUEUE].iter().any(|ours| named.starts_with(ours));
        under(&self.prefix, if ours { "!" } else { "" }, key)
    }

    pub(crate) fn tag_key(&self, tag: &Key) -> Arc<str> {
        under(&self.prefix, TAG, tag.as_str())
    }

    /// What [`tag_key`](Self::tag_key) writes before the tag.
    #[cfg(feature = "inspect")]
    pub(crate) fn tag_key_begins(&self) -> Arc<str> {
        under(&self.prefix, TAG, "")
    }

    /// Where the lease is that a refresh of this key goes by.
    pub(crate) fn refresh_key(&self, key: &str) -> Arc<str> {
        let key = key.strip_prefix(&*self.prefix).map_or(key, |key| key.strip_prefix(':').unwrap_or(key));
        under(&self.prefix, REFRESH, key)
    }

    /// The parts of a queue: under one hash tag.
    pub(crate) fn queue_names(&self, name: &str, shards: usize) -> Names {
        let part = |part: &str| under(&self.prefix, QUEUE, &format!("{{{name}}}:{part}"));
        Names {
            streams: (0..shards).map(|shard| part(&shard.to_string())).collect(),
            leases: (0..shards).map(|shard| part(&format!("{shard}:lease"))).collect(),
            pending: part("pending"),
            void: part("void"),
            dead: part("dead"),
            late: part("late:"),
            calls: part("calls:"),
        }
    }
}
