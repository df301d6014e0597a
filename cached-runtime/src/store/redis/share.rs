//! Which keys are a server's own: all of them, or in a cluster those of its slots.

use std::sync::Arc;

#[cfg(feature = "cluster")]
use super::cluster::Territory;

/// Says of a server what it holds.
#[derive(Clone, Debug)]
pub(crate) enum Share {
    /// One server holds everything. With a key that may be written to find out whether it takes writes.
    Everything { probe: Arc<str> },
    #[cfg(feature = "cluster")]
    Slots(Territory),
}

impl Share {
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Self::Everything { .. })
    }

    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "one server holds every key"))]
    pub(crate) fn holds(&self, key: &str) -> bool {
        match self {
            Self::Everything { .. } => true,
            #[cfg(feature = "cluster")]
            Self::Slots(territory) => territory.holds(key),
        }
    }

    /// A key that may be written to find out whether the server takes writes; none where it holds nothing.
    pub(crate) fn probe(&self) -> Option<Arc<str>> {
        match self {
            Self::Everything { probe } => Some(Arc::clone(probe)),
            #[cfg(feature = "cluster")]
            Self::Slots(territory) => territory.probe(),
        }
    }
}
