//! What was loaded for want of the store, kept for a moment: so that callers one after another cost the database no more
//! than one load per key and moment, as flights do for callers at the same time. Off unless a builder says otherwise.
//!
//! What this process invalidates is removed at once. What others invalidate it cannot hear of, so a moment is a second
//! at most; nothing of it is served once the store is back, nor in the next outage.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::flight::Shared;

/// The longest moment.
pub(crate) const LONGEST: Duration = Duration::from_secs(1);

/// More keys than that are loaded again, and more bytes.
const MOST: usize = 1_024;
const MOST_BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(crate) struct Outage {
    moment: Duration,
    state: Mutex<State>,
    /// While there are none, a call looks at nothing else.
    count: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// By the flight's name.
    kept: HashMap<Arc<str>, Kept>,
    /// Counts what this process has invalidated.
    invalidations: u64,
}

struct Kept {
    shared: Shared,
    until: Instant,
    outage: u64,
    /// What it is invalidated by: its key, its tags.
    names: Vec<Arc<str>>,
}

/// When a load began: in which outage, and after how many invalidations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    outage: u64,
    invalidations: u64,
}

/// No keys.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Outage {
    pub(crate) fn new(moment: Duration) -> Self {
        Self { moment, state: Mutex::default(), count: AtomicUsize::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a load, in the outage of this number.
    pub(crate) fn mark(&self, outage: u64) -> Mark {
        Mark { outage, invalidations: self.state().invalidations }
    }

    /// What was loaded a moment ago, in the outage of this number.
    pub(crate) fn get(&self, flight: &str, outage: u64) -> Option<Shared> {
        let state = self.state();
        let kept = state.kept.get(flight)?;
        (kept.outage == outage && Instant::now() < kept.until).then(|| kept.shared.clone())
    }

    /// Keeps what a load returned that began then, unless something was invalidated since: it may have been this.
    pub(crate) fn keep(
        &self,
        flight: &Arc<str>,
        names: Vec<Arc<str>>,
        mark: Mark,
        ttl: Option<Duration>,
        shared: &Shared,
    ) {
        let mut state = self.state();
        if state.invalidations != mark.invalidations {
            return;
        }
        let now = Instant::now();
        let size = |shared: &Shared| shared.payload.as_ref().map_or(0, Bytes::len);
        let bytes = |state: &State| state.kept.values().map(|kept| size(&kept.shared)).sum::<usize>();
        let full = |state: &State| state.kept.len() >= MOST || bytes(state) + size(shared) > MOST_BYTES;
        if full(&state) {
            state.kept.retain(|_, kept| kept.outage == mark.outage && now < kept.until);
        }
        if !full(&state) {
            let until = now + ttl.map_or(self.moment, |ttl| ttl.min(self.moment));
            state.kept.insert(Arc::clone(flight), Kept { shared: shared.clone(), until, outage: mark.outage, names });
        }
        self.count.store(state.kept.len(), Ordering::SeqCst);
    }

    /// This process has written what these are about; `all` where it is everything.
    pub(crate) fn invalidated(&self, names: &[Arc<str>], all: bool) {
        let mut state = self.state();
        state.invalidations += 1;
        state.kept.retain(|_, kept| !all && !kept.names.iter().any(|name| names.contains(name)));
        self.count.store(state.kept.len(), Ordering::SeqCst);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// The store is back.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.kept = HashMap::new();
        self.count.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::form::Form;

    fn kept(outage: &Outage, began: Mark, ttl: Option<Duration>) -> bool {
        let shared = Shared { form: Form::of(0, Codec::Json), version: 1, payload: None };
        outage.keep(&"k".into(), vec!["k".into(), "tag".into()], began, ttl, &shared);
        outage.get("k", 1).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_is_kept_for_its_moment_in_its_outage_and_no_longer_than_its_ttl() {
        let outage = Outage::new(LONGEST);
        assert!(kept(&outage, outage.mark(1), None));
        assert!(outage.get("k", 2).is_none(), "the next outage");
        tokio::time::advance(LONGEST).await;
        assert!(outage.get("k", 1).is_none());
        assert!(kept(&outage, outage.mark(1), Some(LONGEST / 10)));
        tokio::time::advance(LONGEST / 10).await;
        assert!(outage.get("k", 1).is_none());
        outage.end();
        assert!(outage.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_invalidated_is_gone_and_what_was_loaded_before_is_not_kept() {
        let outage = Outage::new(LONGEST);
        for (names, all) in [(vec!["k".into()], false), (vec!["tag".into()], false), (Vec::new(), true)] {
            let before = outage.mark(1);
            assert!(kept(&outage, outage.mark(1), None));
            outage.invalidated(&names, all);
            assert!(outage.get("k", 1).is_none(), "{names:?}");
            assert!(!kept(&outage, before, None), "{names:?}");
        }
        assert!(kept(&outage, outage.mark(1), None));
        outage.invalidated(&["another".into()], false);
        assert!(outage.get("k", 1).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn more_keys_than_there_is_room_for_are_not_kept() {
        let outage = Outage::new(LONGEST);
        let shared = Shared { form: Form::of(0, Codec::Json), version: 1, payload: None };
        for key in 0..2 * MOST {
            outage.keep(&key.to_string().into(), Vec::new(), outage.mark(1), None, &shared);
        }
        assert_eq!(outage.state().kept.len(), MOST);
        tokio::time::advance(LONGEST).await;
        assert!(kept(&outage, outage.mark(1), None), "the old ones make room");
    }
}
