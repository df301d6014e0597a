//! Collections that a batch returns, by id.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// What a function with `each = id in ids` may return: a map by id, or an `Option` per id, in order.
#[diagnostic::on_unimplemented(
    message = "a batch cannot be told apart by id in a `{Self}`",
    label = "not by `{Id}`",
    note = "return `HashMap<Id, T>`, `BTreeMap<Id, T>` or `Vec<Option<T>>` (one for each id, in order); for a `Vec<T>` say which id a value has: `by = |value| value.id`"
)]
pub trait Gather<Id>: Sized {
    /// One id's value.
    type Value;

    /// The value of each id, in order. `None`: they cannot be told apart.
    fn each(&self, ids: &[Id]) -> Option<Vec<Option<&Self::Value>>>;

    /// The same, owned.
    fn into_each(self, ids: &[Id]) -> Vec<Option<Self::Value>>;

    /// The inverse.
    fn gather(ids: Vec<Id>, values: Vec<Option<Self::Value>>) -> Self;
}

impl<Id: Eq + Hash, T, S: BuildHasher + Default> Gather<Id> for HashMap<Id, T, S> {
    type Value = T;

    fn each(&self, ids: &[Id]) -> Option<Vec<Option<&T>>> {
        Some(ids.iter().map(|id| self.get(id)).collect())
    }

    fn into_each(mut self, ids: &[Id]) -> Vec<Option<T>> {
        ids.iter().map(|id| self.remove(id)).collect()
    }

    fn gather(ids: Vec<Id>, values: Vec<Option<T>>) -> Self {
        ids.into_iter().zip(values).filter_map(|(id, value)| Some((id, value?))).collect()
    }
}

impl<Id: Ord, T> Gather<Id> for BTreeMap<Id, T> {
    type Value = T;

    fn each(&self, ids: &[Id]) -> Option<Vec<Option<&T>>> {
        Some(ids.iter().map(|id| self.get(id)).collect())
    }

    fn into_each(mut self, ids: &[Id]) -> Vec<Option<T>> {
        ids.iter().map(|id| self.remove(id)).collect()
    }

    fn gather(ids: Vec<Id>, values: Vec<Option<T>>) -> Self {
        ids.into_iter().zip(values).filter_map(|(id, value)| Some((id, value?))).collect()
    }
}

impl<Id, T> Gather<Id> for Vec<Option<T>> {
    type Value = T;

    fn each(&self, ids: &[Id]) -> Option<Vec<Option<&T>>> {
        (self.len() == ids.len()).then(|| self.iter().map(Option::as_ref).collect())
    }

    fn into_each(mut self, ids: &[Id]) -> Vec<Option<T>> {
        self.resize_with(ids.len(), || None);
        self
    }

    fn gather(_: Vec<Id>, values: Vec<Option<T>>) -> Self {
        values
    }
}

/// How a batch's collection is taken apart.
pub trait Sorting<W, Id> {
    /// One id's value.
    type Value;

    /// The value of each id, in order. `None`: they cannot be told apart.
    fn each<'w>(&self, written: &'w W, ids: &[Id]) -> Option<Vec<Option<&'w Self::Value>>>;

    /// The same, owned.
    fn owned(&self, written: W, ids: &[Id]) -> Vec<Option<Self::Value>>;

    /// The inverse.
    fn gather(&self, ids: Vec<Id>, values: Vec<Option<Self::Value>>) -> W;
}

/// By the collection itself.
#[derive(Clone, Copy, Debug)]
pub struct ByType;

impl<W: Gather<Id>, Id> Sorting<W, Id> for ByType {
    type Value = W::Value;

    fn each<'w>(&self, written: &'w W, ids: &[Id]) -> Option<Vec<Option<&'w W::Value>>> {
        written.each(ids)
    }

    fn owned(&self, written: W, ids: &[Id]) -> Vec<Option<W::Value>> {
        written.into_each(ids)
    }

    fn gather(&self, ids: Vec<Id>, values: Vec<Option<W::Value>>) -> W {
        W::gather(ids, values)
    }
}

/// A `Vec<T>` whose values say which id they have: `by = |value| value.id`.
#[derive(Clone, Copy, Debug)]
pub struct ByValue<F>(pub(crate) F);

impl<T, Id: Eq + Hash, F: Fn(&T) -> Id> Sorting<Vec<T>, Id> for ByValue<F> {
    type Value = T;

    fn each<'w>(&self, written: &'w Vec<T>, ids: &[Id]) -> Option<Vec<Option<&'w T>>> {
        let of: HashMap<Id, &T> = written.iter().map(|value| ((self.0)(value), value)).collect();
        Some(ids.iter().map(|id| of.get(id).copied()).collect())
    }

    fn owned(&self, written: Vec<T>, ids: &[Id]) -> Vec<Option<T>> {
        let mut of: HashMap<Id, T> = written.into_iter().map(|value| ((self.0)(&value), value)).collect();
        ids.iter().map(|id| of.remove(id)).collect()
    }

    fn gather(&self, _: Vec<Id>, values: Vec<Option<T>>) -> Vec<T> {
        values.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back<W: Clone + PartialEq + std::fmt::Debug, V: Sorting<W, u8>>(by: &V, written: W, ids: &[u8]) {
        let values = by.owned(written.clone(), ids);
        assert_eq!(by.gather(ids.to_vec(), values), written);
    }

    #[test]
    fn what_is_taken_apart_by_id_comes_together_again() {
        let ids = [3, 1, 2];
        back(&ByType, HashMap::from([(1, 'a'), (3, 'c')]), &ids);
        back(&ByType, BTreeMap::from([(1, 'a'), (3, 'c')]), &ids);
        back(&ByType, vec![Some('c'), None, Some('b')], &ids);
        back(&ByValue(|value: &(u8, char)| value.0), vec![(3, 'c'), (2, 'b')], &ids);
    }

    #[test]
    fn every_id_finds_its_own() {
        let ids = [3, 1, 2];
        let by_value = ByValue(|value: &u8| *value);
        assert_eq!(by_value.each(&vec![2, 9, 3], &ids), Some(vec![Some(&3), None, Some(&2)]));
        assert_eq!(vec![Some('c')].each(&ids), None::<Vec<_>>, "one for each id, or nobody knows whose they are");
    }
}
