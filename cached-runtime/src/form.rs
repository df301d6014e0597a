//! What stored bytes are bytes of: a type, and the schema that it had in the build that wrote them.

/// Which type wrote a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Hash of the value type's name without module paths.
    pub(crate) type_tag: u64,
    /// Fingerprint of what serde reads and writes; 0 for a type that does not say.
    pub(crate) schema: u64,
}

impl Form {
    /// Of a type that does not describe itself.
    pub(crate) const fn of(type_tag: u64) -> Self {
        Self { type_tag, schema: 0 }
    }
}
