//! Why an operation of the store gave no answer.

use crate::store::StoreError;

/// As in the label `kind` of the metric `cache_errors_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failed {
    /// It was not asked: it is given up for now.
    GivenUp,
    Unavailable,
    Timeout,
    ReadOnly,
    OutOfMemory,
    /// Whatever else it said.
    Refused,
}

impl Failed {
    pub(crate) const ALL: [Self; 6] =
        [Self::GivenUp, Self::Unavailable, Self::Timeout, Self::ReadOnly, Self::OutOfMemory, Self::Refused];

    #[cfg(feature = "metrics")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GivenUp => "given_up",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::ReadOnly => "read_only",
            Self::OutOfMemory => "out_of_memory",
            Self::Refused => "refused",
        }
    }
}

impl From<&StoreError> for Failed {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable => Self::Unavailable,
            StoreError::Timeout => Self::Timeout,
            StoreError::WritesRefused => Self::ReadOnly,
            StoreError::OutOfMemory => Self::OutOfMemory,
            StoreError::ForeignKind | StoreError::Elsewhere { .. } | StoreError::Refused(_) => Self::Refused,
        }
    }
}
