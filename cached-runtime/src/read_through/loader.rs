//! The user's function, whatever its type.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::LoadKey;
use crate::key::CacheKey;

/// A load that runs.
pub(super) type Load<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

type ForOne<K, V, E> = dyn Fn(K) -> Load<Option<V>, E> + Send + Sync;
pub(super) type ForMany<K, V, E> = dyn Fn(Vec<K>) -> Load<HashMap<K, V>, E> + Send + Sync;

/// Behind a pointer, so that a `ReadThrough` has a type that can be written.
pub(super) enum Loader<K: CacheKey, E> {
    One(Arc<ForOne<K, K::Value, E>>),
    Many(Arc<ForMany<K, K::Value, E>>),
}

impl<K: CacheKey, E> Clone for Loader<K, E> {
    fn clone(&self) -> Self {
        match self {
            Self::One(load) => Self::One(Arc::clone(load)),
            Self::Many(load) => Self::Many(Arc::clone(load)),
        }
    }
}

impl<K: LoadKey, E: Send + 'static> Loader<K, E> {
    pub(super) fn one<L, F>(load: L) -> Self
    where
        L: Fn(K) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Option<K::Value>, E>> + Send + 'static,
    {
        Self::One(Arc::new(move |key| Box::pin(load(key))))
    }

    pub(super) fn many<L, F>(load: L) -> Self
    where
        L: Fn(Vec<K>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<K, K::Value>, E>> + Send + 'static,
    {
        Self::Many(Arc::new(move |keys| Box::pin(load(keys))))
    }

    /// One key's value.
    pub(super) async fn load(&self, key: K) -> Result<Option<K::Value>, E> {
        match self {
            Self::One(load) => load(key).await,
            Self::Many(load) => Ok(load(vec![key.clone()]).await?.remove(&key)),
        }
    }
}
