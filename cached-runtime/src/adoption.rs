//! Whether a call that came after a load began may have its result: the late half of the rule in [`flight`].
//!
//! [`flight`]: crate::flight

use crate::stamp::{Stamp, Stamps};

/// The rule, and what tests put in its place to see that they would notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adoption {
    /// As it must be.
    #[default]
    ByTheRule,
    /// Whoever finds a flight takes what it lands with.
    #[cfg(feature = "testing")]
    Blind,
    /// Also whoever came when the fill was on its way.
    #[cfg(feature = "testing")]
    AfterTheFillWasSent,
    /// Also with tags, though to invalidate one leaves the lease where it is.
    #[cfg(feature = "testing")]
    WithTags,
}

impl Adoption {
    /// `sealed`: the fill was on its way when the call joined. `accepted`: the epoch under which the store accepted it.
    /// `epoch`: the one that the call knew.
    pub(crate) fn allows(self, sealed: bool, accepted: Option<Stamp>, epoch: Option<Stamp>) -> bool {
        let fresh = accepted.is_some() && accepted == epoch;
        match self {
            Self::ByTheRule => !sealed && fresh,
            #[cfg(feature = "testing")]
            Self::WithTags => !sealed && fresh,
            #[cfg(feature = "testing")]
            Self::AfterTheFillWasSent => fresh,
            #[cfg(feature = "testing")]
            Self::Blind => true,
        }
    }

    /// The epoch of a load that later callers may adopt once the store accepted it. Not with tags: to invalidate one
    /// leaves the lease in place.
    pub(crate) fn epoch_of(self, stamps: &Stamps) -> Option<Stamp> {
        let despite_tags = match self {
            #[cfg(feature = "testing")]
            Self::WithTags => true,
            _ => false,
        };
        stamps.epoch.filter(|_| despite_tags || !stamps.tagged())
    }
}
