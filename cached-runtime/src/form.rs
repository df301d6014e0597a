//! What stored bytes are bytes of: a type, the schema that it had in the build that wrote them, and the codec.

use crate::codec::Codec;

/// Which type wrote a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Hash of the value type's name without module paths.
    pub(crate) type_tag: u64,
    /// Fingerprint of what serde reads and writes; 0 for a type that does not say.
    pub(crate) schema: u64,
    pub(crate) codec: Codec,
}

impl Form {
    /// Of a type that does not describe itself.
    pub(crate) const fn of(type_tag: u64, codec: Codec) -> Self {
        Self { type_tag, schema: 0, codec }
    }

    /// Whether the payload may be decoded as a value of this type and schema. Where fields have no names, bytes of
    /// another schema may well decode, as something that they are not.
    pub(crate) fn may_be(&self, type_tag: u64, schema: u64) -> bool {
        let unsaid = self.schema == 0 || schema == 0;
        self.type_tag == type_tag && (self.codec.has_names() || unsaid || self.schema == schema)
    }
}
