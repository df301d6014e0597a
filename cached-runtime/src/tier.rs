//! The local tier: values in this process, decoded, which a hit gives out without asking anybody.
//!
//! What makes it right is that the server says what changes ([`Pulse`]): over Redis by `CLIENT TRACKING` on a connection
//! of its own, in memory by the store itself. An entry is served while that connection is known to work, none of what it
//! was made of has been said to have changed, and its time is not over. A connection that breaks takes with it, at once,
//! everything that was known through it.

mod admission;
mod line;
mod pulse;
mod watched;

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::{Cache, DefaultLifecycle};

use self::line::{ByBytes, Line, Named, Wanted};
use self::watched::Names;
use crate::key::Key;
use crate::store::Listener;
use crate::ticks;

pub(crate) use self::admission::{Admission, Candidate, Watch};
pub(crate) use self::line::Absent;
pub use self::pulse::Pulse;

/// A value of whatever type.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

const STRIPES: usize = 64;

/// See the module.
pub(crate) struct Tier {
    lines: Cache<Line, Kept, ByBytes, ahash::RandomState>,
    /// How many changes there were to each stripe's keys. Whoever inserts holds it and compares: a change since the
    /// question was sent may be one that the answer does not show.
    stripes: [Mutex<u64>; STRIPES],
    names: Names,
    hasher: ahash::RandomState,
    /// With its colon.
    prefix: Box<str>,
    /// False only in tests of what the numbers are for.
    checked: bool,
}

/// What a tier is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// At most so many, about.
    pub(crate) bytes: u64,
    /// Whether a value that changed while it was read is kept out.
    pub(crate) checked: bool,
}

impl Room {
    /// Unless told otherwise: 64 MiB.
    pub(crate) const USUAL: Self = Self { bytes: 64 << 20, checked: true };
}

impl std::fmt::Debug for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").field("entries", &self.lines.len()).finish_non_exhaustive()
    }
}

impl Tier {
    /// A tier for a cache with this prefix (and its colon).
    pub(crate) fn new(room: Room, prefix: String) -> Self {
        let typical_entry = 1024;
        let entries = usize::try_from(room.bytes / typical_entry).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        // Keyed at random: keys are made of arguments, which may come from an attacker.
        let hasher = ahash::RandomState::new();
        let lines = Cache::with(entries, room.bytes, ByBytes, hasher.clone(), DefaultLifecycle::default());
        Self {
            lines,
            stripes: std::array::from_fn(|_| Mutex::default()),
            names: Names::default(),
            hasher,
            prefix: prefix.into(),
            checked: room.checked,
        }
    }

    /// What may be served to this call.
    #[inline]
    pub(crate) fn find(&self, key: &[u8], tags: &[Key], version: u32, kind: TypeId) -> Option<Kept> {
        self.lines.get(&Wanted { key, tags, version, kind, now: ticks::now() })
    }

    /// The name that entries of this key go by: as its call writes it. `None` for what is no key of this cache, or not
    /// called what its call calls it.
    fn name<'k>(&self, key: &'k str) -> Option<&'k [u8]> {
        key.strip_prefix(&*self.prefix).filter(|name| !name.starts_with(['!', '%'])).map(str::as_bytes)
    }

    fn counted(&self, name: &[u8]) -> MutexGuard<'_, u64> {
        let index = usize::try_from(self.hasher.hash_one(name) % STRIPES as u64).unwrap_or(0);
        self.stripes[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stripe(&self, name: &[u8]) -> u64 {
        *self.counted(name)
    }

    fn insert(&self, stripe: u64, line: Line, value: Kept) {
        let counted = self.counted(&line.key);
        if *counted == stripe || !self.checked {
            self.lines.insert(line, value);
        }
    }

    /// These were changed by this process, or may have been.
    pub(crate) fn forget(&self, keys: &[Arc<str>]) {
        keys.iter().for_each(|key| self.changed(key.as_bytes()));
    }

    fn listener(self: &Arc<Self>) -> Arc<dyn Listener> {
        Arc::<Self>::clone(self)
    }
}

impl Listener for Tier {
    fn changed(&self, key: &[u8]) {
        let Ok(key) = std::str::from_utf8(key) else { return };
        self.names.changed(key);
        if let Some(name) = self.name(key) {
            let mut counted = self.counted(name);
            *counted = counted.wrapping_add(1);
            let removed = self.lines.remove(&Named(name));
            // What a value does when it is dropped is its own affair.
            drop(counted);
            drop(removed);
        }
    }
}
