//! Keys that a caller writes itself, past the queue.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::OwnedRwLockReadGuard;

use super::overtaking::Overtaking;

use crate::cache::Inner;
use crate::entry::{self, Placeholder};
use crate::invalidate::Delivery;
use crate::marker::Marker;
use crate::site::Site;
use crate::stamp::Stamps;
use crate::stats::Counters;
use crate::store::{Filling, Store};

/// The right to write keys to the database at once. Dropped before it is said how that ended, it invalidates them: nobody
/// knows whether a cancelled write was committed.
#[derive(Debug)]
pub struct Through(Option<Box<State>>);

#[derive(Debug)]
struct State {
    cache: Arc<Inner>,
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    runtime: Handle,
    keys: Vec<Arc<str>>,
    marker: Option<Marker>,
    /// What takes the marker's place.
    values: HashMap<Arc<str>, Filling>,
    /// Where the store is away; and what holds back the workers of this process meanwhile.
    overtaking: Option<(Overtaking, OwnedRwLockReadGuard<()>)>,
}

impl Through {
    /// There is no cache.
    pub(super) fn nothing() -> Self {
        Self(None)
    }

    /// The store has put this marker over the keys.
    pub(super) fn marked(
        site: &'static Site,
        cache: Arc<Inner>,
        store: Arc<dyn Store>,
        keys: Vec<Arc<str>>,
        marker: Placeholder,
        values: HashMap<Arc<str>, Filling>,
        runtime: &Handle,
    ) -> Self {
        let marker = Marker::keep(&store, &keys, marker, Stamps::default(), site.policy, runtime);
        let mut through = Self::unmarked(site, cache, store, keys, runtime);
        if let Some(state) = &mut through.0 {
            state.marker = Some(marker);
            state.values = values;
        }
        through
    }

    pub(super) fn unmarked(
        site: &'static Site,
        cache: Arc<Inner>,
        store: Arc<dyn Store>,
        keys: Vec<Arc<str>>,
        runtime: &Handle,
    ) -> Self {
        let counters = Arc::clone(cache.stats.of(site));
        let runtime = runtime.clone();
        Self(Some(Box::new(State {
            cache,
            store,
            counters,
            runtime,
            keys,
            marker: None,
            values: HashMap::new(),
            overtaking: None,
        })))
    }

    /// What is queued of the keys must not be written any more, once this has.
    pub(super) fn overtaking(mut self, overtaking: Overtaking, gate: OwnedRwLockReadGuard<()>) -> Self {
        if let Some(state) = &mut self.0 {
            state.overtaking = Some((overtaking, gate));
        }
        self
    }

    /// The body failed: nothing was written, and the markers go.
    pub fn failed(&mut self) {
        if let Some(state) = &mut self.0 {
            state.values.clear();
            if state.marker.is_none() {
                state.keys.clear();
            }
            state.overtaking = None;
        }
    }

    /// The body has written all of it.
    pub async fn finish(&mut self) {
        let Some(state) = &mut self.0 else { return };
        state.overtake();
        state.cache.written(&state.keys);
        if let Some(marker) = &state.marker {
            for (key, mut filling) in std::mem::take(&mut state.values) {
                filling.value = entry::clean(&filling.value);
                if let Ok(stored) = state.store.write_end(&key, &marker.placeholder, &filling).await {
                    state.cache.acknowledged(std::slice::from_ref(&key), &state.store);
                    if stored {
                        state.counters.stores.add();
                    } else {
                        state.counters.late_fills.add();
                    }
                    state.keys.retain(|other| *other != key);
                }
            }
        }
        let _queued = state.cache.deliver(&state.keys, &state.counters).await;
        state.keys.clear();
    }
}

impl State {
    /// From here on no worker of this process writes what is queued of the keys, until the store has heard that it is
    /// older.
    fn overtake(&mut self) {
        if let Some((overtaking, _gate)) = self.overtaking.take() {
            self.cache.undelivered.overtake(&self.keys, &overtaking, &self.store);
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if !self.keys.is_empty() {
            // What is queued is not overtaken: it was acknowledged, and nobody knows whether this was written.
            let keys = std::mem::take(&mut self.keys);
            drop(Delivery::of(&self.cache, &self.counters, keys).on(&self.runtime));
        }
    }
}
