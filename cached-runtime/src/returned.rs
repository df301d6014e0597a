//! From a written return type to its shape, by asking the compiler.
//!
//! The macro cannot look through a type alias, and a struct may be called `SearchResult`. So `shape!(R)` calls a method
//! that four traits offer on `Returned<R>`, each behind one more reference than the next, and method lookup takes the
//! most specific that fits.

use std::marker::PhantomData;

use crate::outcome::{Cloned, Fallible, Infallible, Own};
use crate::presence::{Maybe, Plain, Whole};
use crate::schema::{CacheSchema, Describe};

/// A type, to call methods on.
pub struct Returned<R: ?Sized>(PhantomData<fn() -> R>);

impl<R: ?Sized> Returned<R> {
    #[expect(clippy::new_without_default, reason = "a name for a type, never a value")]
    /// The type, as something to call a method on.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Returned<R> {
    /// `returns = value`.
    pub const fn value(self) -> Infallible<Whole<R>> {
        Infallible::of()
    }
}

impl<T, E> Returned<Result<T, E>> {
    /// `returns = result`, and `get_or_load`: a `Result` whose `Ok` is looked at only when the program runs.
    ///
    /// A method of `Result` alone, not a function with a bound: for anything else that is one error, and a bound is four.
    pub const fn result(self) -> Fallible<Plain<T>, E, Own> {
        Fallible::of()
    }
}

macro_rules! lookup {
    ($($trait:ident for $receiver:ty => $shape:ty, <$($param:ident),+>;)*) => {$(
        #[doc(hidden)]
        pub trait $trait {
            type Shape;
            fn shape(&self) -> Self::Shape;
        }

        impl<$($param),+> $trait for $receiver {
            type Shape = $shape;
            fn shape(&self) -> $shape {
                <$shape>::of()
            }
        }
    )*};
}

// Most specific first: one reference more is found first.
lookup! {
    ByMaybeResult for &&&Returned<Result<Option<T>, E>> => Fallible<Maybe<T>, E, Own>, <T, E>;
    ByResult for &&Returned<Result<T, E>> => Fallible<Plain<T>, E, Own>, <T, E>;
    ByMaybe for &Returned<Option<T>> => Infallible<Maybe<T>>, <T>;
    ByValue for Returned<T> => Infallible<Plain<T>>, <T>;
}

/// Errors that may be shared.
pub trait BySharing {
    /// Clones for the waiters.
    fn sharing(&self) -> Cloned;
}

impl<E: Clone + Send + Sync + 'static> BySharing for &Returned<E> {
    fn sharing(&self) -> Cloned {
        Cloned
    }
}

/// All other errors.
pub trait ByOwn {
    /// A load of its own for each waiter.
    fn sharing(&self) -> Own;
}

impl<E> ByOwn for Returned<E> {
    fn sharing(&self) -> Own {
        Own
    }
}

/// Types that say what serde makes of them.
pub trait ByDescription {
    /// What says it.
    fn describe(&self) -> Option<Describe>;
}

impl<T: CacheSchema + ?Sized> ByDescription for &Returned<T> {
    fn describe(&self) -> Option<Describe> {
        Some(T::describe)
    }
}

/// All other types.
pub trait ByName {
    /// Nothing: such a type is told from others by its name.
    fn describe(&self) -> Option<Describe>;
}

impl<T: ?Sized> ByName for Returned<T> {
    fn describe(&self) -> Option<Describe> {
        None
    }
}

/// The type of a value.
pub fn stored<V: ?Sized>(_: &V) -> Returned<V> {
    Returned::new()
}

/// What describes the type that a [`Returned`] names.
#[doc(hidden)]
#[macro_export]
macro_rules! __describe {
    ($stored:expr) => {{
        #[allow(unused_imports, reason = "method lookup picks one")]
        use $crate::__private::{ByDescription as _, ByName as _};
        let stored = $stored;
        (&&stored).describe()
    }};
}

/// The shape of a written return type.
#[doc(hidden)]
#[macro_export]
macro_rules! __shape {
    (share value $ret:ty) => { $crate::__shape!(value $ret) };
    (value $ret:ty) => { $crate::__shape!(@described $crate::__private::Returned::<$ret>::new().value()) };
    (share result $ret:ty) => { $crate::__shape!(@share $crate::__shape!(result $ret)) };
    (result $ret:ty) => { $crate::__shape!(@described $crate::__private::Returned::<$ret>::new().result()) };
    (share $ret:ty) => { $crate::__shape!(@share $crate::__shape!($ret)) };
    (@share $shape:expr) => {{
        #[allow(unused_imports, reason = "method lookup picks one")]
        use $crate::__private::{ByOwn as _, BySharing as _};
        let shape = $shape;
        let error = shape.error();
        shape.sharing((&&error).sharing())
    }};
    (@described $shape:expr) => {{
        let shape = $shape;
        let describe = $crate::__describe!(shape.stored());
        shape.described(describe)
    }};
    ($ret:ty) => {
        $crate::__shape!(@described {
            #[allow(unused_imports, reason = "method lookup picks one")]
            use $crate::__private::{ByMaybe as _, ByMaybeResult as _, ByResult as _, ByValue as _};
            (&&&&$crate::__private::Returned::<$ret>::new()).shape()
        })
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::CacheValue;
    use crate::outcome::Shape;
    use crate::presence::Presence;

    struct SearchResult;
    type Res<T> = Result<T, String>;
    type Perhaps<T> = Option<T>;

    fn is_fallible_maybe<T, E, S>(_: Fallible<Maybe<T>, E, S>) {}
    fn is_fallible_plain<T, E, S>(_: Fallible<Plain<T>, E, S>) {}
    fn is_maybe<T>(_: Infallible<Maybe<T>>) {}
    fn is_plain<T>(_: Infallible<Plain<T>>) {}
    fn is_whole<T>(_: Infallible<Whole<T>>) {}

    fn generic<T, E>() {
        is_fallible_maybe(__shape!(Result<Option<T>, E>));
        is_fallible_plain(__shape!(Result<T, E>));
        is_maybe(__shape!(Option<T>));
        is_plain(__shape!(T));
        is_plain(__shape!(Vec<T>));
    }

    #[test]
    fn shapes_are_told_by_type_through_aliases_and_in_generic_functions() {
        is_fallible_maybe(__shape!(Res<Perhaps<u8>>));
        is_fallible_plain(__shape!(Res<u8>));
        is_maybe(__shape!(Perhaps<u8>));
        is_plain(__shape!(SearchResult));
        is_whole(__shape!(value Res<u8>));
        is_fallible_plain(__shape!(result Res<u8>));
        generic::<u8, u8>();
    }

    fn tells<S: Shape>(_: S, out: S::Out) -> bool {
        S::share(&out).is_some()
    }

    #[test]
    fn an_error_is_shared_only_where_it_can_be_cloned() {
        struct Plain;
        assert!(tells(__shape!(share Res<u8>), Err("no".to_owned())));
        assert!(!tells(__shape!(Res<u8>), Err("no".to_owned())));
        assert!(!tells(__shape!(share Result<u8, Plain>), Err(Plain)));
        assert!(!tells(__shape!(share Result<u8, std::rc::Rc<u8>>), Err(std::rc::Rc::new(1))));
        assert!(!tells(__shape!(share u8), 1));
    }

    fn stores<R: CacheValue>(out: R) -> Option<bool> {
        match <Infallible<super::Plain<R>> as Shape>::split(out) {
            Ok(written) => Some(<Infallible<super::Plain<R>> as Shape>::value(&written).is_some()),
            Err(_) => None,
        }
    }

    #[test]
    fn a_type_parameter_that_is_an_option_or_a_result_behaves_as_one() {
        assert_eq!(stores(Some(1)), Some(true));
        assert_eq!(stores(None::<u8>), Some(false));
        assert_eq!(stores(Ok::<u8, String>(1)), Some(true));
        assert_eq!(stores(Err::<u8, String>("no".to_owned())), None);
        assert_eq!(stores(()), Some(true));
        assert_eq!(<super::Plain<Option<u8>> as Presence>::absent(), Some(None));
        assert_eq!(<super::Plain<()> as Presence>::absent(), None);
        assert_eq!(<super::Plain<Option<u8>> as Presence>::type_tag(), <Maybe<u8> as Presence>::type_tag());
    }
}
