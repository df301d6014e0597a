//! The ids of a batch, and how its function's return type is told apart by them.
//!
//! What a batch asks of its types it asks here, one thing per function, each of which the expansion calls where the
//! user wrote what is asked about. So a mistake is one error, and it stands in its place.

use std::hash::Hash;

use crate::gather::{Gather, Listed, Sorting};
use crate::key::{Key, KeyOf};
use crate::outcome::Shape;
use crate::returned::Returned;

/// What the ids of a batch have to be: the body is given those that are missing, and the caller's stay where they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the id in a batch",
    label = "not `Clone`",
    note = "the body is called with copies of the ids that are missing: derive `Clone` on it"
)]
pub trait BatchId: Clone {}

#[diagnostic::do_not_recommend]
impl<Id: Clone> BatchId for Id {}

/// The ids of one call, each with a value `T`.
pub struct Each<S: Shape, Id, T, F> {
    pub(crate) ids: Vec<Id>,
    pub(crate) copy: fn(&Id) -> Id,
    pub(crate) by: F,
    pub(crate) sorting: fn() -> Sorting<S::Written, Id, T, F>,
}

impl<S: Shape, Id, T, F> Each<S, Id, T, F> {
    /// The type of one value, to ask whether it describes itself.
    pub fn stored(&self) -> Returned<T> {
        Returned::new()
    }
}

/// The ids of a function that returns a map or a `Vec<Option<T>>`.
#[doc(hidden)]
pub fn each<S, Id, T>(ids: &[Id], _: S) -> Each<S, Id, T, ()>
where
    S: Shape<Written: Gather<Id, Value = T>>,
    Id: BatchId,
{
    Each { ids: ids.to_vec(), copy: Id::clone, by: (), sorting: Sorting::by_type }
}

/// The ids of a function whose values say which one they have.
#[doc(hidden)]
pub fn each_by<S, Id, T, F>(ids: &[Id], _: S, by: F) -> Each<S, Id, T, F>
where
    S: Shape<Written: Listed<Value = T>>,
    Id: BatchId + Eq + Hash,
    F: Fn(&T) -> Id,
{
    Each { ids: ids.to_vec(), copy: Id::clone, by, sorting: Sorting::by_value }
}

/// The key of one id's value.
#[doc(hidden)]
pub fn key_of_each<S, Id, T, F, K>(_: &Each<S, Id, T, F>, key: &K) -> Key
where
    S: Shape,
    K: KeyOf<T> + ?Sized,
{
    key.to_key()
}

/// What the body of a batch takes along. It may run more than once, so every run has its own.
#[diagnostic::on_unimplemented(
    message = "the body of a batch cannot take along a `{Self}`: it may run more than once",
    label = "not `Clone`",
    note = "where another process failed to load some of the ids, the body runs again for them; take this argument by reference, or derive `Clone` on its type"
)]
pub trait BatchArgument: Clone {}

#[diagnostic::do_not_recommend]
impl<A: Clone> BatchArgument for A {}

/// One run's own.
#[doc(hidden)]
pub fn again<A: BatchArgument>(argument: &A) -> A {
    argument.clone()
}
