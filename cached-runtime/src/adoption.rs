//! Whether a call that came after a load began may have its result: the late half of the rule in [`flight`]. And whether
//! it may have what it waited for in another process.
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
    /// Also whoever came after a clear.
    #[cfg(feature = "testing")]
    DespiteClears,
    /// What was found after a wait is shared, whatever was invalidated since its stamps were read.
    #[cfg(feature = "testing")]
    Unasked,
    /// Another process's `None` is adopted with tags, too.
    #[cfg(feature = "testing")]
    AbsencesWithTags,
    /// Another process's `None` is adopted whatever its epoch.
    #[cfg(feature = "testing")]
    AbsencesDespiteClears,
    /// Whoever follows a call that goes away is not told, and waits for as long as it may.
    #[cfg(feature = "testing")]
    Untold,
}

impl Adoption {
    /// `sealed`: the fill was on its way when the call joined. `accepted`: the epoch under which the store accepted it.
    /// `epoch`: the one that the call knew.
    pub(crate) fn allows(self, sealed: bool, accepted: Option<Stamp>, epoch: Option<Stamp>) -> bool {
        let fresh = accepted.is_some() && accepted == epoch;
        match self {
            #[cfg(feature = "testing")]
            Self::AfterTheFillWasSent => fresh,
            #[cfg(feature = "testing")]
            Self::DespiteClears => !sealed && accepted.is_some(),
            #[cfg(feature = "testing")]
            Self::Blind => true,
            _ => !sealed && fresh,
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

    /// Whether a call whose entry carries these stamps may have the `None` that it waited for. The tags' stamps are not
    /// in what a load of nothing leaves, so they cannot be compared.
    pub(crate) fn allows_absence(self, epoch: Stamp, stamps: &Stamps) -> bool {
        let (of_now, tagged) = (Some(epoch) == stamps.epoch, stamps.tagged());
        match self {
            #[cfg(feature = "testing")]
            Self::AbsencesWithTags => of_now,
            #[cfg(feature = "testing")]
            Self::AbsencesDespiteClears => !tagged,
            _ => of_now && !tagged,
        }
    }

    /// Whether to ask, before what was waited for is shared, if it is still of now.
    pub(crate) fn asks(self) -> bool {
        match self {
            #[cfg(feature = "testing")]
            Self::Unasked => false,
            _ => true,
        }
    }

    /// Whether those who follow a call are told when it goes away.
    pub(crate) fn tells(self) -> bool {
        match self {
            #[cfg(feature = "testing")]
            Self::Untold => false,
            _ => true,
        }
    }
}
