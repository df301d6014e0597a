//! What a builder decides besides the store.

use std::time::Duration;

use crate::adoption::Adoption;
use crate::encoding::Encoding;
use crate::stamping::Stamping;
use crate::tier::Room;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// What the store is called where there are several kinds.
    pub(crate) tier: &'static str,
    /// The largest entry, in bytes.
    pub(crate) max_value: usize,
    pub(crate) encoding: Encoding,
    /// How many loads run at a time while the store is away.
    pub(crate) fallback_loads: usize,
    /// How long what they loaded is kept; zero is not at all.
    pub(crate) outage_cache: Duration,
    /// Of the local tier.
    pub(crate) room: Room,
    pub(crate) adoption: Adoption,
    pub(crate) stamping: Stamping,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            tier: "memory",
            max_value: 1 << 20,
            encoding: Encoding::PLAIN,
            fallback_loads: 64,
            outage_cache: Duration::ZERO,
            room: Room::USUAL,
            adoption: Adoption::default(),
            stamping: Stamping::default(),
        }
    }
}
