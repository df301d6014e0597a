//! What a function returns, taken apart: a `Result` caches its `Ok`, an `Option` may be absent, everything else is a
//! value; and which errors are shared.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::codec::{self, CacheValue, Outermost};
use crate::presence::Presence;
use crate::returned::Returned;
use crate::schema::{self, Describe};

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
    /// The `Err`, if there can be one.
    type Error;

    /// `Err` is an output of which nothing may be stored.
    fn split(out: Self::Out) -> Result<Self::Written, Self::Out>
    where
        Self::Value: CacheValue;

    /// The `Ok` as written, if there is one.
    fn written(out: &Self::Out) -> Option<&Self::Written>;

    /// `split` by the written type alone: for writers, whose values need not be stored.
    fn succeed(out: Self::Out) -> Result<Self::Written, Self::Out>;

    /// What a writer calls its `result`: the value that is there.
    fn result(written: &Self::Written) -> Option<&Self::Value>;

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

    /// A failed output's error.
    fn error(out: &Self::Out) -> Option<&Self::Error>;

    /// The output that is this error.
    fn fail(error: Self::Error) -> Option<Self::Out>;

    /// Whether an `Option` of the stored type is left out.
    fn option() -> Outermost {
        Outermost::Kept
    }

    /// The fingerprint of the stored type, which `describe` describes.
    fn fingerprint(describe: Describe) -> u64 {
        schema::fingerprint(describe, false)
    }

    /// What describes the stored type, where anything does.
    fn describe(&self) -> Option<Describe>;

    /// A failed output's error, for those who waited.
    fn share(out: &Self::Out) -> Option<SharedError>;

    /// The output that shares somebody else's error.
    fn shared(error: &SharedError) -> Option<Self::Out>;
}

/// No `Result`: every output is a success.
pub struct Infallible<P>(Names<P>, Option<Describe>);

/// A `Result`, whose error is shared with waiters or not.
pub struct Fallible<P, E, S>(Names<(P, E, S)>, Option<Describe>);

/// Types by name only: whatever they are, the shape is `Send`.
type Names<T> = PhantomData<fn() -> T>;

impl<P: Presence> Shape for Infallible<P> {
    type Out = P::Written;
    type Written = P::Written;
    type Value = P::Value;
    type Error = std::convert::Infallible;

    fn split(out: P::Written) -> Result<P::Written, P::Written>
    where
        P::Value: CacheValue,
    {
        if P::succeeded(&out) { Ok(out) } else { Err(out) }
    }

    fn written(out: &P::Written) -> Option<&P::Written> {
        Some(out)
    }

    fn succeed(out: P::Written) -> Result<P::Written, P::Written> {
        Ok(out)
    }

    fn result(written: &P::Written) -> Option<&P::Value> {
        P::there(written)
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

    fn error(_: &P::Written) -> Option<&std::convert::Infallible> {
        None
    }

    fn fail(_: std::convert::Infallible) -> Option<P::Written> {
        None
    }

    fn option() -> Outermost {
        P::option()
    }

    fn fingerprint(describe: Describe) -> u64 {
        P::fingerprint(describe)
    }

    fn describe(&self) -> Option<Describe> {
        self.1
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
    type Error = E;

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

    fn succeed(out: Self::Out) -> Result<P::Written, Self::Out> {
        match out {
            Ok(written) => Ok(written),
            out => Err(out),
        }
    }

    fn result(written: &P::Written) -> Option<&P::Value> {
        P::there(written)
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

    fn error(out: &Self::Out) -> Option<&E> {
        out.as_ref().err()
    }

    fn fail(error: E) -> Option<Self::Out> {
        Some(Err(error))
    }

    fn option() -> Outermost {
        P::option()
    }

    fn fingerprint(describe: Describe) -> u64 {
        P::fingerprint(describe)
    }

    fn describe(&self) -> Option<Describe> {
        self.1
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

impl<P> Infallible<P> {
    pub(crate) const fn of() -> Self {
        Self(PhantomData, None)
    }

    /// The stored type, to ask whether it describes itself.
    pub fn stored(&self) -> Returned<P::Value>
    where
        P: Presence,
    {
        Returned::new()
    }

    /// What describes it.
    pub fn described(self, describe: Option<Describe>) -> Self {
        Self(PhantomData, describe)
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
    pub(crate) const fn of() -> Self {
        Self(PhantomData, None)
    }

    /// The stored type, to ask whether it describes itself.
    pub fn stored(&self) -> Returned<P::Value>
    where
        P: Presence,
    {
        Returned::new()
    }

    /// What describes it.
    pub fn described(self, describe: Option<Describe>) -> Self {
        Self(PhantomData, describe)
    }

    /// The error type, to ask whether it may be shared.
    pub fn error(&self) -> Returned<E> {
        Returned::new()
    }

    pub fn sharing<N>(self, _: N) -> Fallible<P, E, N> {
        Fallible(PhantomData, self.1)
    }
}
