//! The servers of a store: one, or the masters of a cluster. Which one a command goes to is decided here.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Pipeline, Value};

#[cfg(feature = "cluster")]
use super::cluster::Cluster;
use super::link::Place;
use super::node::{Node, Request};
use super::share::Share;
use crate::store::{Condition, Repair, StoreError};

/// See the module.
#[derive(Debug)]
pub(crate) enum Servers {
    One(Arc<Node>),
    #[cfg(feature = "cluster")]
    Many(Arc<Cluster>),
}

impl Servers {
    /// `probe` is a key that may be written to find out whether the server takes writes.
    pub(crate) fn one(place: Place, deadline: Duration, probe: Arc<str>) -> Self {
        Self::One(Arc::new(Node::new(place, deadline, Share::Everything { probe })))
    }

    /// Whether every key is on the same server.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// Asks about one key.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "one server holds every key"))]
    pub(crate) async fn run(&self, key: &str, request: Request<'_>) -> Result<Value, StoreError> {
        match self {
            Self::One(node) => node.run(node.due(), request, false).await,
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => Box::pin(cluster.run(key, request)).await,
        }
    }

    /// Several commands, in one round trip per server. Each has its own answer, errors included.
    pub(crate) async fn pipeline(&self, commands: &Pipeline) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        match self {
            Self::One(node) => node.pipeline(node.due(), commands).await,
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => Ok(cluster.pipeline(commands).await),
        }
    }

    /// Who holds the key; none where that is not known yet.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "one server holds every key"))]
    pub(crate) fn holding(&self, key: &str) -> Option<Arc<Node>> {
        match self {
            Self::One(node) => Some(Arc::clone(node)),
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => cluster.holding(key),
        }
    }

    /// Whether the one who holds the key is not asked.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "one server holds every key"))]
    pub(crate) fn given_up(&self, key: &str) -> bool {
        match self {
            Self::One(node) => node.given_up(),
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => cluster.given_up(key),
        }
    }

    pub(crate) fn condition(&self) -> Condition {
        match self {
            Self::One(node) => node.breaker.condition(),
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => cluster.condition(),
        }
    }

    pub(crate) fn refusal(&self) -> Option<StoreError> {
        match self {
            Self::One(node) => node.refusal(),
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => cluster.refusal(),
        }
    }

    pub(crate) fn times_opened(&self) -> u64 {
        match self {
            Self::One(node) => node.breaker.times_opened(),
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => cluster.times_opened(),
        }
    }

    pub(crate) fn repaired_by(&self, repair: Arc<dyn Repair>) {
        match self {
            Self::One(node) => node.breaker.repaired_by(repair),
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => cluster.repaired_by(repair),
        }
    }
}
