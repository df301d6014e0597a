//! One annotated function: its name and place, its template, its policy.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use crate::policy::Policy;
use crate::schema::Remembered;

/// What an expansion says of its function, in a `static`.
#[derive(Debug)]
pub struct Site {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) template: &'static str,
    pub(crate) policy: Policy,
    /// Of the type that it stores.
    pub(crate) schema: Remembered,
    index: OnceLock<usize>,
}

impl Site {
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        file: &'static str,
        line: u32,
        template: &'static str,
        policy: Policy,
    ) -> Self {
        Self { name, file, line, template, policy, schema: Remembered::new(), index: OnceLock::new() }
    }

    /// That of something made at `place`: the same one however often it is made there, since none of them ever goes.
    pub(crate) fn at(
        place: &'static Location<'static>,
        name: &'static str,
        template: &'static str,
        policy: Policy,
    ) -> &'static Self {
        type Place = (&'static Location<'static>, &'static str, u32, bool);
        static SITES: LazyLock<Mutex<HashMap<Place, &'static Site>>> = LazyLock::new(Mutex::default);
        // Calls bring their policy with them, except to the local tier.
        let same = (place, name, policy.version, policy.local.is_some());
        SITES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(same)
            .or_insert_with(|| Box::leak(Box::new(Self::new(name, place.file(), place.line(), template, policy))))
    }

    /// Whether a macro has made it: only then its name is a path.
    pub(crate) fn is_annotated(&self) -> bool {
        self.name.contains("::")
    }

    /// A small number of its own, to find its counters by.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        *self.index.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
