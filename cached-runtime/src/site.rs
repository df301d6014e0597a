//! One annotated function: its name and place, its template, its policy.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// A small number of its own, to find its counters by.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        *self.index.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
