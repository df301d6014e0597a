//! What a function returns, as the type system sees it: a `Result` caches its `Ok`, an `Option` may be absent,
//! everything else is a value.
//!
//! The macro cannot look through a type alias, and a struct may be called `SearchResult`. So the expansion asks the
//! compiler: `shape!(R)` calls a method that four traits offer on `Returned<R>`, each behind one more reference than
//! the next, and method lookup takes the most specific that fits.

use std::any::{Any, type_name};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::canonical::{NONE, Order, SECOND_VARIANT, canonical};
use crate::codec;

/// A value that can be stored: `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in the cache",
    label = "not `Serialize` and `DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` on it, or return a type that has them",
    note = "a `Result` caches its `Ok` and an `Option` its `Some`; a function that returns a future must say so in its signature: `async fn`, `impl Future` or `Pin<Box<dyn Future>>`"
)]
pub trait CacheValue: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> CacheValue for T {}

/// An error that a load shares with those who waited for it.
pub type SharedError = Arc<dyn Any + Send + Sync>;

/// How to take a function's output apart and put it together again.
pub trait Shape {
    /// What the function returns.
    type Out;
    /// The `Ok` as written, or all of it.
    type Written;
    /// What is stored: without the `Option`, if there is one.
    type Value;

    /// `Err` is an output of which nothing may be stored.
    fn split(out: Self::Out) -> Result<Self::Written, Self::Out>
    where
        Self::Value: CacheValue;

    /// The `Ok` as written, if there is one.
    fn written(out: &Self::Out) -> Option<&Self::Written>;

    /// The inverse of `split`.
    fn join(written: Self::Written) -> Self::Out;

    /// The value to store; `None` is an absence.
    fn value(written: &Self::Written) -> Option<&Self::Value>
    where
        Self::Value: CacheValue;

    /// The output for a stored value; `None` where this function would take it for an absence.
    fn present(value: Self::Value) -> Option<Self::Out>
    where
        Self::Value: CacheValue;

    /// The output for a stored absence; `None` where this function cannot say "absent".
    fn absent() -> Option<Self::Out>
    where
        Self::Value: CacheValue;

    /// A hash of the stored type's name.
    fn type_tag() -> u64 {
        codec::type_tag::<Self::Value>()
    }

    /// A failed output's error, for those who waited.
    fn share(out: &Self::Out) -> Option<SharedError>;

    /// The output that shares somebody else's error.
    fn shared(error: &SharedError) -> Option<Self::Out>;
}

/// A type, to call methods on.
pub struct Returned<R>(PhantomData<fn() -> R>);

/// A value that is there or is not.
pub trait Presence {
    type Written;
    type Value;

    fn value(written: &Self::Written) -> Option<&Self::Value>
    where
        Self::Value: CacheValue;
    fn present(value: Self::Value) -> Option<Self::Written>
    where
        Self::Value: CacheValue;
    fn absent() -> Option<Self::Written>
    where
        Self::Value: CacheValue;
    /// False for a failure that only the running program can see: a type parameter that is a `Result`.
    fn succeeded(_: &Self::Written) -> bool
    where
        Self::Value: CacheValue,
    {
        true
    }
    fn type_tag() -> u64 {
        codec::type_tag::<Self::Value>()
    }
}

/// `Option<T>`.
pub struct Maybe<T>(PhantomData<fn() -> T>);

/// Anything else. In a generic function `T` may still turn out to be an `Option` or a `Result`: then its name says so
/// (the compiler's full path, which no other type has) and serde says which side it is.
pub struct Plain<T>(PhantomData<fn() -> T>);

/// All of it, whatever it is: `returns = value`. A `None` or an `Err` is a value like any other.
pub struct Whole<T>(PhantomData<fn() -> T>);

impl<T> Presence for Maybe<T> {
    type Written = Option<T>;
    type Value = T;

    fn value(written: &Option<T>) -> Option<&T> {
        written.as_ref()
    }

    fn present(value: T) -> Option<Option<T>> {
        Some(Some(value))
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }
}

const OPTION: &str = "core::option::Option<";
const RESULT: &str = "core::result::Result<";

impl<T> Presence for Plain<T> {
    type Written = T;
    type Value = T;

    fn value(written: &T) -> Option<&T>
    where
        T: CacheValue,
    {
        let absent = type_name::<T>().starts_with(OPTION)
            && canonical(written, Order::Ignored).is_some_and(|bytes| bytes.first() == Some(&NONE));
        (!absent).then_some(written)
    }

    /// A function that says `Option<()>` stores `Some(())` as null, which reads as `None` here: a miss, then.
    fn present(value: T) -> Option<T>
    where
        T: CacheValue,
    {
        Self::value(&value).is_some().then_some(value)
    }

    fn absent() -> Option<T>
    where
        T: CacheValue,
    {
        // serde's `Option` reads JSON's null as `None`.
        type_name::<T>().starts_with(OPTION).then(|| codec::decode(b"null")).flatten()
    }

    fn succeeded(written: &T) -> bool
    where
        T: CacheValue,
    {
        !type_name::<T>().starts_with(RESULT)
            || canonical(written, Order::Ignored).is_some_and(|bytes| !bytes.starts_with(&SECOND_VARIANT))
    }

    /// An `Option<User>` met as a type parameter shares its entries with `User`: `Some` adds nothing to the JSON.
    fn type_tag() -> u64 {
        codec::optional_type_tag::<T>(OPTION)
    }
}

impl<T> Presence for Whole<T> {
    type Written = T;
    type Value = T;

    fn value(written: &T) -> Option<&T> {
        Some(written)
    }

    fn present(value: T) -> Option<T> {
        Some(value)
    }

    fn absent() -> Option<T> {
        None
    }
}

/// No `Result`: every output is a success.
pub struct Infallible<P>(PhantomData<fn() -> P>);

/// A `Result`, whose error is shared with waiters or not.
pub struct Fallible<P, E, S>(PhantomData<fn() -> (P, E, S)>);

impl<P: Presence> Shape for Infallible<P> {
    type Out = P::Written;
    type Written = P::Written;
    type Value = P::Value;

    fn split(out: P::Written) -> Result<P::Written, P::Written>
    where
        P::Value: CacheValue,
    {
        if P::succeeded(&out) { Ok(out) } else { Err(out) }
    }

    fn written(out: &P::Written) -> Option<&P::Written> {
        Some(out)
    }

    fn join(written: P::Written) -> P::Written {
        written
    }

    fn value(written: &P::Written) -> Option<&P::Value>
    where
        P::Value: CacheValue,
    {
        P::value(written)
    }

    fn present(value: P::Value) -> Option<P::Written>
    where
        P::Value: CacheValue,
    {
        P::present(value)
    }

    fn absent() -> Option<P::Written>
    where
        P::Value: CacheValue,
    {
        P::absent()
    }

    fn type_tag() -> u64 {
        P::type_tag()
    }

    fn share(_: &P::Written) -> Option<SharedError> {
        None
    }

    fn shared(_: &SharedError) -> Option<P::Written> {
        None
    }
}

impl<P: Presence, E, S: Sharing<E>> Shape for Fallible<P, E, S> {
    type Out = Result<P::Written, E>;
    type Written = P::Written;
    type Value = P::Value;

    fn split(out: Self::Out) -> Result<P::Written, Self::Out>
    where
        P::Value: CacheValue,
    {
        match out {
            Ok(written) if P::succeeded(&written) => Ok(written),
            out => Err(out),
        }
    }

    fn written(out: &Self::Out) -> Option<&P::Written> {
        out.as_ref().ok()
    }

    fn join(written: P::Written) -> Self::Out {
        Ok(written)
    }

    fn value(written: &P::Written) -> Option<&P::Value>
    where
        P::Value: CacheValue,
    {
        P::value(written)
    }

    fn present(value: P::Value) -> Option<Self::Out>
    where
        P::Value: CacheValue,
    {
        P::present(value).map(Ok)
    }

    fn absent() -> Option<Self::Out>
    where
        P::Value: CacheValue,
    {
        P::absent().map(Ok)
    }

    fn type_tag() -> u64 {
        P::type_tag()
    }

    fn share(out: &Self::Out) -> Option<SharedError> {
        S::share(out.as_ref().err()?)
    }

    fn shared(error: &SharedError) -> Option<Self::Out> {
        S::shared(error).map(Err)
    }
}

/// Whether an error may be cloned to those who waited for the load that failed.
pub trait Sharing<E> {
    fn share(error: &E) -> Option<SharedError>;
    fn shared(error: &SharedError) -> Option<E>;
}

/// Each waiter runs its own load.
pub struct Own;

/// `Clone + Send + Sync + 'static`: waiters get a clone.
pub struct Cloned;

impl<E> Sharing<E> for Own {
    fn share(_: &E) -> Option<SharedError> {
        None
    }

    fn shared(_: &SharedError) -> Option<E> {
        None
    }
}

impl<E: Clone + Send + Sync + 'static> Sharing<E> for Cloned {
    fn share(error: &E) -> Option<SharedError> {
        Some(Arc::new(error.clone()))
    }

    fn shared(error: &SharedError) -> Option<E> {
        error.downcast_ref().cloned()
    }
}

impl<R> Returned<R> {
    #[expect(clippy::new_without_default, reason = "a name for a type, never a value")]
    /// The type, as something to call a method on.
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// `returns = value`.
    pub const fn value(self) -> Infallible<Whole<R>> {
        Infallible(PhantomData)
    }
}

impl<T, E> Returned<Result<T, E>> {
    /// `returns = result`, and `get_or_load`: a `Result` whose `Ok` is looked at only when the program runs.
    pub const fn result(self) -> Fallible<Plain<T>, E, Own> {
        Fallible(PhantomData)
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

impl<P> Infallible<P> {
    const fn of() -> Self {
        Self(PhantomData)
    }

    /// Nothing to share.
    pub fn error(&self) -> Returned<std::convert::Infallible> {
        Returned::new()
    }

    pub fn sharing<S>(self, _: S) -> Self {
        self
    }
}

impl<P, E, S> Fallible<P, E, S> {
    const fn of() -> Self {
        Self(PhantomData)
    }

    /// The error type, to ask whether it may be shared.
    pub fn error(&self) -> Returned<E> {
        Returned::new()
    }

    pub fn sharing<N>(self, _: N) -> Fallible<P, E, N> {
        Fallible(PhantomData)
    }
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

/// The shape of a written return type.
#[doc(hidden)]
#[macro_export]
macro_rules! __shape {
    (share value $ret:ty) => { $crate::__shape!(value $ret) };
    (value $ret:ty) => { $crate::__private::Returned::<$ret>::new().value() };
    (share result $ret:ty) => { $crate::__shape!(@share $crate::__shape!(result $ret)) };
    (result $ret:ty) => { $crate::__private::Returned::<$ret>::new().result() };
    (share $ret:ty) => { $crate::__shape!(@share $crate::__shape!($ret)) };
    (@share $shape:expr) => {{
        #[allow(unused_imports, reason = "method lookup picks one")]
        use $crate::__private::{ByOwn as _, BySharing as _};
        let shape = $shape;
        let error = shape.error();
        shape.sharing((&&error).sharing())
    }};
    ($ret:ty) => {{
        #[allow(unused_imports, reason = "method lookup picks one")]
        use $crate::__private::{ByMaybe as _, ByMaybeResult as _, ByResult as _, ByValue as _};
        (&&&&$crate::__private::Returned::<$ret>::new()).shape()
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

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
