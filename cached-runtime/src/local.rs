//! The typed shim over the local tier: how a value is kept there, and given out again.

use std::any::TypeId;
use std::sync::Arc;

use crate::call::Call;
use crate::codec::CacheValue;
use crate::key::Rendered;
use crate::outcome::Shape;
use crate::returned::Returned;
use crate::schema::Describe;
use crate::site::Site;
use crate::slot::Slot;
use crate::tier::{Absent, Kept};
use crate::typed::{TypedSlot, typed_local};

/// A value that the local tier can keep: `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in the local tier",
    label = "not `Clone + Send + Sync + 'static`",
    note = "every local hit gives out a clone: derive `Clone` on it, or return an `Arc<{Self}>`, of which a clone costs next to nothing; or leave `local` out"
)]
pub trait LocalValue: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> LocalValue for T {}

/// How a value of type `V` is kept.
pub trait Keeping<V> {
    /// What is kept, by name: an `Arc<User>` and a `User` are kept alike.
    type As: ?Sized + 'static;
    fn keep(value: &V) -> Kept;
    fn recall(kept: Kept) -> Option<V>;
}

/// As the pointer that it is: a hit counts one reference more, and allocates nothing.
#[derive(Clone, Copy)]
pub struct Pointer;

/// Behind a pointer of ours: a hit clones it.
#[derive(Clone, Copy)]
pub struct Cloned;

impl<U: Send + Sync + 'static> Keeping<Arc<U>> for Pointer {
    type As = U;

    fn keep(value: &Arc<U>) -> Kept {
        Arc::<U>::clone(value)
    }

    #[inline]
    fn recall(kept: Kept) -> Option<Arc<U>> {
        kept.downcast().ok()
    }
}

impl<T: LocalValue> Keeping<T> for Cloned {
    type As = T;

    fn keep(value: &T) -> Kept {
        Arc::new(value.clone())
    }

    #[inline]
    fn recall(kept: Kept) -> Option<T> {
        kept.downcast_ref().cloned()
    }
}

/// Pointers to what has a size: method lookup finds these first.
pub trait ByPointer {
    /// Counts references.
    fn keeping(&self) -> Pointer;
}

impl<U: Send + Sync + 'static> ByPointer for &Returned<Arc<U>> {
    fn keeping(&self) -> Pointer {
        Pointer
    }
}

/// All other values.
pub trait ByCloning {
    /// Clones.
    fn keeping(&self) -> Cloned;
}

impl<T> ByCloning for Returned<T> {
    fn keeping(&self) -> Cloned {
        Cloned
    }
}

/// The type of what a function of this shape stores.
pub const fn value_of<S: Shape>(_: &S) -> Returned<S::Value> {
    Returned::new()
}

/// How a function's values are kept.
///
/// As with `TypedSlot`, its methods ask nothing of the types: a value that cannot be kept is one error, at [`local`].
pub struct Local<S: Shape> {
    how: fn() -> How<S>,
    describe: Option<Describe>,
}

impl<S: Shape> Clone for Local<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Shape> Copy for Local<S> {}

struct How<S: Shape> {
    kind: TypeId,
    give: fn(Kept) -> Option<S::Out>,
    slot: fn(Slot, Option<Describe>) -> TypedSlot<S>,
}

/// Says how a function's values are kept.
#[doc(hidden)]
#[inline]
pub fn local<S: Shape<Value: CacheValue>, K: Keeping<S::Value>>(shape: S, _: K) -> Local<S> {
    let how = || How {
        kind: TypeId::of::<K::As>(),
        give: |kept| if kept.is::<Absent>() { S::absent() } else { K::recall(kept).and_then(S::present) },
        slot: typed_local::<S, K>,
    };
    Local { how, describe: shape.describe() }
}

impl<S: Shape> Local<S> {
    /// What to return without asking anybody.
    #[inline]
    pub fn hit(&self, call: &Call) -> Option<S::Out> {
        let how = (self.how)();
        (how.give)(call.kept(how.kind)?)
    }

    /// The same for a call of which there is no more to say than its key: it need not be made.
    #[inline]
    pub fn hit_plainly(&self, site: &'static Site, key: &impl Rendered) -> Option<S::Out> {
        let how = (self.how)();
        (how.give)(key.ask(|key| Call::kept_plainly(site, key, how.kind))?)
    }

    /// The slot of a call that found nothing here; what it finds in the store is kept.
    pub fn slot(&self, slot: Slot) -> TypedSlot<S> {
        ((self.how)().slot)(slot, self.describe)
    }
}

/// How the values of a written return type are kept.
#[doc(hidden)]
#[macro_export]
macro_rules! __local {
    ($shape:expr) => {{
        #[allow(unused_imports, reason = "method lookup picks one")]
        use $crate::__private::{ByCloning as _, ByPointer as _};
        let shape = $shape;
        let value = $crate::__private::value_of(&shape);
        $crate::__private::local(shape, (&&value).keeping())
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__shape;

    fn kept_as<S: Shape>(local: Local<S>) -> TypeId {
        (local.how)().kind
    }

    fn generic<T: LocalValue + CacheValue>() -> TypeId {
        kept_as(__local!(__shape!(Result<Option<T>, String>)))
    }

    #[test]
    fn a_pointer_is_kept_as_what_it_points_to() {
        let string = TypeId::of::<String>();
        assert_eq!(kept_as(__local!(__shape!(String))), string);
        assert_eq!(kept_as(__local!(__shape!(Arc<String>))), string);
        assert_eq!(kept_as(__local!(__shape!(share Result<Option<Arc<String>>, u8>))), string);
        assert_eq!(kept_as(__local!(__shape!(Arc<str>))), TypeId::of::<Arc<str>>(), "of no size");
        assert_eq!(generic::<String>(), string);
    }
}
