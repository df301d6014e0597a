//! When stamps are read, and from when on they count: what [`stamp`](crate::stamp) is about.

use tokio::time::Instant;

/// The rule, and what tests put in its place to see that they would notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamping {
    /// As it must be: read before the load, and as old as the question.
    #[default]
    ByTheRule,
    /// Read again after the load.
    #[cfg(feature = "testing")]
    AfterTheLoad,
    /// The epoch is as old as the answer.
    #[cfg(feature = "testing")]
    FromTheAnswer,
}

impl Stamping {
    /// Since when an answer to a question that was sent then counts.
    pub(crate) fn since(self, sent: Instant) -> Instant {
        match self {
            #[cfg(feature = "testing")]
            Self::FromTheAnswer => Instant::now(),
            _ => sent,
        }
    }
}
