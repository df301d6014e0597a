//! Collections that a batch returns, by id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

/// What a function with `each = id in ids` may return: a map by id, or an `Option` per id, in order.
#[diagnostic::on_unimplemented(
    message = "a batch cannot be told apart by id in a `{Self}`",
    label = "not by `{Id}`",
    note = "return `HashMap<Id, T>`, `BTreeMap<Id, T>` or `Vec<Option<T>>` (one for each id, in order); for a `Vec<T>` say which id a value has: `by = |value| value.id`",
    note = "the `Id` of a map is that of the slice: for `&[String]` a `HashMap<String, T>`; ids that are references go with `Vec<Option<T>>`"
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

    /// Whether the value of the one is that of the other too. Where every id has a place of its own, it never is.
    fn same(one: &Id, other: &Id) -> bool;
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

    fn same(one: &Id, other: &Id) -> bool {
        one == other
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

    fn same(one: &Id, other: &Id) -> bool {
        one == other
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

    fn same(_: &Id, _: &Id) -> bool {
        false
    }
}

/// What a function with `by` may return.
#[diagnostic::on_unimplemented(
    message = "`by` tells the values of a `Vec<T>` apart, and this is a `{Self}`",
    label = "not a `Vec<T>`",
    note = "a map and a `Vec<Option<T>>` say themselves whose values they hold: leave `by` out; else return `Vec<T>`"
)]
pub trait Listed: Sized {
    /// One id's value.
    type Value;

    /// The values.
    fn list(&self) -> &[Self::Value];

    /// The same, owned.
    fn into_list(self) -> Vec<Self::Value>;

    /// The inverse.
    fn of(values: Vec<Self::Value>) -> Self;
}

impl<T> Listed for Vec<T> {
    type Value = T;

    fn list(&self) -> &[T] {
        self
    }

    fn into_list(self) -> Vec<T> {
        self
    }

    fn of(values: Vec<T>) -> Self {
        values
    }
}

/// By id, in order.
type Found<'w, T> = Vec<Option<&'w T>>;

/// How the collection `W` is taken apart, with the help of `F`. Functions, so that nobody who calls them has to ask
/// anything of the types.
pub(crate) struct Sorting<W, Id, T, F> {
    /// The value of each id, in order. `None`: they cannot be told apart.
    pub(crate) each: for<'w> fn(&'w W, &[Id], &F) -> Option<Found<'w, T>>,
    /// The same, owned.
    pub(crate) into_each: fn(W, &[Id], &F) -> Vec<Option<T>>,
    /// The inverse.
    pub(crate) gather: fn(Vec<Id>, Vec<Option<T>>, &F) -> W,
    /// Whether the value of the one is that of the other too.
    pub(crate) same: fn(&Id, &Id) -> bool,
}

impl<W: Gather<Id>, Id> Sorting<W, Id, W::Value, ()> {
    /// By the collection itself.
    pub(crate) fn by_type() -> Self {
        Self {
            each: |written, ids, ()| written.each(ids),
            into_each: |written, ids, ()| written.into_each(ids),
            gather: |ids, values, ()| W::gather(ids, values),
            same: W::same,
        }
    }
}

impl<W: Listed, Id: Eq + Hash, F: Fn(&W::Value) -> Id> Sorting<W, Id, W::Value, F> {
    /// By the values, which say which id they have.
    pub(crate) fn by_value() -> Self {
        Self {
            each: |written, ids, by| {
                let mut of: HashMap<Id, &W::Value> = HashMap::with_capacity(written.list().len());
                for value in written.list() {
                    // Several of one id: a list that has one for each cannot say so.
                    if of.insert(by(value), value).is_some() {
                        return None;
                    }
                }
                Some(ids.iter().map(|id| of.get(id).copied()).collect())
            },
            into_each: |written, ids, by| {
                let of = written.into_list().into_iter().map(|value| (by(&value), value));
                let mut of: HashMap<Id, W::Value> = of.collect();
                ids.iter().map(|id| of.remove(id)).collect()
            },
            // Each once, as a database answers to `IN (7, 7)`.
            gather: |ids, values, _| {
                let mut given = HashSet::with_capacity(ids.len());
                let found = ids.into_iter().zip(values).filter_map(|(id, value)| Some((id, value?)));
                W::of(found.filter_map(|(id, value)| given.insert(id).then_some(value)).collect())
            },
            same: |one, other| one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back<W: Clone + PartialEq + std::fmt::Debug, V, F>(
        sorting: &Sorting<W, u8, V, F>,
        by: &F,
        written: W,
        ids: &[u8],
    ) {
        let values = (sorting.into_each)(written.clone(), ids, by);
        assert_eq!((sorting.gather)(ids.to_vec(), values, by), written);
    }

    #[test]
    fn what_is_taken_apart_by_id_comes_together_again() {
        let ids = [3, 1, 2];
        back(&Sorting::by_type(), &(), HashMap::from([(1, 'a'), (3, 'c')]), &ids);
        back(&Sorting::by_type(), &(), BTreeMap::from([(1, 'a'), (3, 'c')]), &ids);
        back(&Sorting::by_type(), &(), vec![Some('c'), None, Some('b')], &ids);
        back(&Sorting::by_value(), &|value: &(u8, char)| value.0, vec![(3, 'c'), (2, 'b')], &ids);
    }

    #[test]
    fn every_id_finds_its_own() {
        let ids = [3, 1, 2];
        let by = |value: &u8| *value;
        assert_eq!((Sorting::by_value().each)(&vec![2, 9, 3], &ids, &by), Some(vec![Some(&3), None, Some(&2)]));
        assert_eq!(vec![Some('c')].each(&ids), None::<Vec<_>>, "one for each id, or nobody knows whose they are");
    }

    #[test]
    fn an_id_that_is_asked_for_twice_is_listed_once() {
        let sorting = Sorting::<Vec<u8>, u8, u8, _>::by_value();
        let by = |value: &u8| *value;
        assert_eq!((sorting.gather)(vec![7, 1, 7, 2], vec![Some(7), None, Some(7), Some(2)], &by), [7, 2]);
    }
}
