//! A list that only grows and is read without a lock: what all threads lock is a line of memory that they hand to each
//! other with every call.

use std::sync::OnceLock;

/// Places on the first page. Every other has twice as many as the one before.
const FIRST: usize = 32;
/// Together they have more places than anybody counts to.
const PAGES: usize = 32;

/// Things by small numbers, each made when it is first asked for.
#[derive(Debug)]
pub(crate) struct Pages<T>([OnceLock<Box<[OnceLock<T>]>>; PAGES]);

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self([const { OnceLock::new() }; PAGES])
    }
}

/// The page, how many places it has, and which of them it is.
fn place(index: usize) -> (usize, usize, usize) {
    let number = index / FIRST + 1;
    let page = number.ilog2() as usize;
    let places = FIRST << page;
    (page, places, index + FIRST - places)
}

impl<T> Pages<T> {
    #[inline]
    pub(crate) fn get_or_init(&self, index: usize, make: impl FnOnce() -> T) -> &T {
        let (page, places, at) = place(index);
        let page = self.0[page].get_or_init(|| (0..places).map(|_| OnceLock::new()).collect());
        page[at].get_or_init(make)
    }

    /// Those that were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(OnceLock::get).flatten().filter_map(OnceLock::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_place_of_its_own() {
        let pages = Pages::default();
        for index in (0..1_000).rev() {
            assert_eq!(*pages.get_or_init(index, || index), index);
        }
        assert_eq!(*pages.get_or_init(7, || 8), 7, "made once");
        assert!(pages.iter().copied().eq(0..1_000));
    }
}
