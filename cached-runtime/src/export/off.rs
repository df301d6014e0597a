//! Without the feature `metrics` nothing is exported.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cache::Inner;
use crate::operation::Operation;

#[derive(Debug, Default)]
pub(crate) struct Durations;

impl Durations {
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) fn load(&self, _function: &'static str, _took: Duration) {}

    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) fn lock_wait(&self, _function: &'static str, _took: Duration) {}
}

#[derive(Debug)]
pub(crate) struct Operations;

impl Operations {
    pub(crate) fn of(_tier: &'static str) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) fn took(&self, _operation: Operation, _since: Instant) {}
}

pub(crate) fn export(_cache: &Arc<Inner>, _tier: &'static str) {}

pub(crate) fn begin() {}

pub(crate) fn publish() {}
