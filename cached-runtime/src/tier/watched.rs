//! The stamps that local entries rely on: read once, and relied on until somebody says that they changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::pulse::Pulse;
use crate::stamp::Stamp;

/// A stamp that the server watches for us. Every entry that carries it holds this, so that one change ends them all and
/// nothing has to look for them. As a [`Pulse`] it is read with every hit, and has its lines of memory to itself.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Watched {
    changed: AtomicBool,
    /// What it was, and on which connection its change is going to be told.
    read: OnceLock<(Stamp, Arc<Pulse>)>,
}

impl Watched {
    #[inline]
    pub(super) fn holds(&self, now: u64) -> bool {
        !self.changed.load(Ordering::Acquire) && self.read.get().is_some_and(|(_, pulse)| pulse.beats(now))
    }

    /// Whether it was read, and there is nothing to ask.
    fn is_known(&self, now: u64) -> bool {
        self.holds(now)
    }

    /// The connection that would tell of a change is gone: whoever relies on this does so no more.
    fn is_over(&self) -> bool {
        self.changed.load(Ordering::Acquire) || self.read.get().is_some_and(|(_, pulse)| pulse.has_ended())
    }

    /// The answer to a tracked read. The first one counts: a later one that differs comes after a change.
    pub(super) fn answered(&self, stamp: Stamp, pulse: &Arc<Pulse>) {
        let _first = self.read.set((stamp, Arc::clone(pulse)));
    }

    /// Whether it is known to be this one.
    pub(super) fn is(&self, stamp: Stamp, now: u64) -> bool {
        self.holds(now) && self.read.get().is_some_and(|(read, _)| *read == stamp)
    }
}

/// All that is watched, by name.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    watched: HashMap<Arc<str>, Weak<Watched>>,
    /// So many make it worth while to look for those that nobody holds any more.
    many: usize,
}

impl Names {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stamp of this name, and whether it has to be read.
    pub(super) fn watch(&self, name: &Arc<str>, now: u64) -> (Arc<Watched>, bool) {
        let mut known = self.known();
        if let Some(watched) = known.watched.get(name).and_then(Weak::upgrade).filter(|watched| !watched.is_over()) {
            let ask = !watched.is_known(now);
            return (watched, ask);
        }
        if known.watched.len() >= known.many.max(64) {
            known.watched.retain(|_, watched| watched.strong_count() > 0);
            known.many = 2 * known.watched.len();
        }
        let watched = Arc::<Watched>::default();
        known.watched.insert(Arc::clone(name), Arc::downgrade(&watched));
        (watched, true)
    }

    /// It changed: whoever relies on it does so no more, and who watches it anew begins anew.
    pub(super) fn changed(&self, name: &str) {
        if let Some(watched) = self.known().watched.remove(name).and_then(|watched| watched.upgrade()) {
            watched.changed.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beating() -> Arc<Pulse> {
        Arc::new(Pulse::steady())
    }

    #[test]
    fn a_stamp_is_read_once_and_relied_on_until_it_changes() {
        let names = Names::default();
        let name = "tag".into();
        let (first, ask) = names.watch(&name, 1);
        assert!(ask && !first.is(7, 1));
        first.answered(7, &beating());
        let (second, ask) = names.watch(&name, 1);
        assert!(!ask && second.is(7, 1) && !second.is(8, 1));
        second.answered(8, &beating());
        assert!(first.is(7, 1), "an answer that differs is from after a change");
        names.changed("tag");
        assert!(!first.is(7, 1) && !second.holds(1));
        let (third, ask) = names.watch(&name, 1);
        assert!(ask && !third.holds(1));
    }

    #[test]
    fn a_stamp_whose_connection_is_gone_is_read_again() {
        let names = Names::default();
        let (first, pulse) = (names.watch(&"tag".into(), 1).0, beating());
        first.answered(7, &pulse);
        pulse.end();
        let (second, ask) = names.watch(&"tag".into(), 1);
        assert!(ask && !Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let names = Names::default();
        let held = names.watch(&"held".into(), 1).0;
        for n in 0..10_000 {
            names.watch(&n.to_string().into(), 1);
        }
        assert!(names.known().watched.len() < 200);
        held.answered(7, &beating());
        names.changed("held");
        assert!(!held.holds(1));
    }
}
