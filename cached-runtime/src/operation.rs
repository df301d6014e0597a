//! What a call asks of the store.

/// As in the label `op` of the metric `cache_op_duration_seconds`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// The value, or the right to load it.
    Get,
    GetMany,
    /// The end of a load: its value is stored.
    Fill,
    FillMany,
    /// Keys and tags are deleted.
    Invalidate,
}
