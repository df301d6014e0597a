//! One entry of the local tier, and what it takes to find it.
//!
//! Whether an entry may be served is asked while it is compared with what is looked for. So a hit clones one pointer, and
//! what may not be served is not found.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::{Equivalent, Weighter};

use super::Kept;
use super::pulse::Pulse;
use super::watched::Watched;
use crate::key::Key;

/// An entry but for its value.
#[derive(Debug)]
pub(super) struct Line {
    /// Without the prefix.
    pub(super) key: Box<[u8]>,
    /// As the call writes them.
    pub(super) tags: Box<[Key]>,
    pub(super) version: u32,
    pub(super) kind: TypeId,
    /// By the clock of this tier.
    pub(super) until: u64,
    /// Of the connection that would tell of a change.
    pub(super) pulse: Arc<Pulse>,
    /// Its stamp.
    pub(super) epoch: Arc<Watched>,
    /// Those of the tags.
    pub(super) stamps: Box<[Arc<Watched>]>,
    pub(super) weight: u64,
}

/// An absence has a type of its own.
pub(crate) struct Absent;

impl Hash for Line {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.key);
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Line {}

/// Whatever is there under this name.
pub(super) struct Named<'k>(pub(super) &'k [u8]);

impl Hash for Named<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

impl Equivalent<Line> for Named<'_> {
    fn equivalent(&self, line: &Line) -> bool {
        self.0 == &*line.key
    }
}

/// What may be served to a call, now.
pub(super) struct Wanted<'k> {
    pub(super) key: &'k [u8],
    pub(super) tags: &'k [Key],
    pub(super) version: u32,
    pub(super) kind: TypeId,
    pub(super) now: u64,
}

impl Hash for Wanted<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.key);
    }
}

impl Equivalent<Line> for Wanted<'_> {
    #[inline]
    fn equivalent(&self, line: &Line) -> bool {
        let now = self.now;
        *self.key == *line.key
            && now < line.until
            && (line.kind == self.kind || line.kind == TypeId::of::<Absent>())
            && line.version == self.version
            && *self.tags == *line.tags
            && line.pulse.beats(now)
            && line.epoch.holds(now)
            && line.stamps.iter().all(|stamp| stamp.holds(now))
    }
}

#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<Line, Kept> for ByBytes {
    fn weight(&self, line: &Line, _: &Kept) -> u64 {
        line.weight
    }
}
