//! What a cache makes of values on their way to the store.

use crate::codec::Codec;
use crate::packing::Packing;

/// From a value to bytes, and from bytes to fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) codec: Codec,
    pub(crate) packing: Packing,
}

impl Encoding {
    /// Unless told otherwise.
    pub(crate) const PLAIN: Self = Self { codec: Codec::Json, packing: Packing::NONE };
}
