//! The servers of a store: one, or the masters of a cluster. Which one a command goes to is decided here.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Pipeline, Value};
use bytes::Bytes;

use super::acquisition::Acquisition;
#[cfg(feature = "cluster")]
use super::cluster::Cluster;
#[cfg(feature = "cluster")]
use super::commands::bytes;
use super::link::Place;
use super::node::{Node, Request};
use super::share::Share;
use super::together::together;
use crate::store::{Condition, Listener, Repair, StoreError, Tracked};

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

    /// What a key holds; `None` where the lease is there now.
    pub(super) async fn acquire(&self, acquisition: &Acquisition<'_>) -> Result<Option<Bytes>, StoreError> {
        match self {
            Self::One(node) => node.acquire(acquisition).await,
            #[cfg(feature = "cluster")]
            Self::Many(cluster) => {
                Box::pin(async {
                    let command = acquisition.command();
                    bytes(cluster.run(acquisition.key, Request::Command(&command)).await?)
                })
                .await
            }
        }
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

    /// Whether the one who holds the key is not asked, or did not answer when it was asked last.
    pub(crate) fn is_doubtful(&self, key: &str) -> bool {
        self.given_up(key) || self.holding(key).is_none_or(|node| node.breaker.is_in_doubt())
    }

    /// See [`Store::track`](crate::store::Store::track). Each key on its own server, at a time.
    pub(crate) async fn track(&self, keys: &[Arc<str>], listener: &Arc<dyn Listener>) -> Vec<Option<Tracked>> {
        let mut groups: Vec<(Arc<Node>, Vec<usize>)> = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let Some(node) = self.holding(key) else { continue };
            match groups.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &node)) {
                Some((_, group)) => group.push(at),
                None => groups.push((node, vec![at])),
            }
        }
        let asked = groups.iter().map(|(node, group)| async move {
            let names: Vec<&str> = group.iter().map(|at| &*keys[*at]).collect();
            let link = node.links.here();
            let track = pin!(link.tracker().track(&names, listener));
            node.in_time(node.due(), track).await.flatten()
        });
        let answers = together(asked).await;
        let mut tracked = vec![None; keys.len()];
        for ((_, group), answers) in groups.iter().zip(answers) {
            for (at, answer) in group.iter().zip(answers.into_iter().flatten()) {
                tracked[*at] = answer;
            }
        }
        tracked
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
