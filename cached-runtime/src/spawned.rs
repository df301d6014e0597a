//! `refresh = background`: the load in a task of its own, while the caller has the old value already.

use std::future::Future;

use tokio::time::timeout;

use crate::background;
use crate::cache::Cache;
use crate::outcome::Shape;
use crate::typed::TypedSlot;

/// Tells the compiler what a load is: the closure of an expansion takes its types from here. What it needs must live
/// as long as the task: arguments are owned.
#[doc(hidden)]
pub fn in_background<S, L, F>(_: &TypedSlot<S>, load: L) -> L
where
    S: Shape,
    L: FnOnce(TypedSlot<S>) -> F,
    F: Future<Output = S::Out> + Send + 'static,
{
    load
}

/// [`in_background`] for a blocking function.
#[doc(hidden)]
pub fn in_background_blocking<S, L>(_: &TypedSlot<S>, load: L) -> L
where
    S: Shape,
    L: FnOnce(TypedSlot<S>) -> S::Out + Send + 'static,
{
    load
}

impl<S: Shape> TypedSlot<S> {
    /// Loads anew what was served, if that is this call's to do.
    pub fn refresh<L, F>(mut self, load: L)
    where
        L: FnOnce(Self) -> F,
        F: Future<Output = S::Out> + Send + 'static,
    {
        let (Some(patience), Some(here)) = (self.slot.leave_behind(), background::here()) else { return };
        let load = load(self);
        // Given up after that, it counts as failed, as it does where it panics.
        here.spawn(Cache::in_this_scope(async move { drop(timeout(patience, load).await) }));
    }

    /// [`Self::refresh`] for a blocking function.
    pub fn refresh_blocking<L>(mut self, load: L)
    where
        S: 'static,
        L: FnOnce(Self) -> S::Out + Send + 'static,
    {
        if self.slot.leave_behind().is_some() {
            background::spawn_blocking(Cache::in_this_scope_blocking(move || drop(load(self))));
        }
    }
}
