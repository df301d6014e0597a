//! Whether a successful output holds a value or says that there is none.

use std::any::type_name;
use std::marker::PhantomData;

use crate::canonical::{NONE, Order, SECOND_VARIANT, canonical};
use crate::codec::{self, CacheValue, Codec, Outermost};
use crate::schema::{self, Describe};

/// A value that is there or is not.
pub trait Presence {
    type Written;
    type Value;

    /// What is there, by the written type alone.
    fn there(written: &Self::Written) -> Option<&Self::Value>;
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
    fn option() -> Outermost {
        Outermost::Kept
    }
    fn fingerprint(describe: Describe) -> u64 {
        schema::fingerprint(describe, false)
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

    fn there(written: &Option<T>) -> Option<&T> {
        written.as_ref()
    }

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

    fn there(written: &T) -> Option<&T> {
        Some(written)
    }

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
        type_name::<T>().starts_with(OPTION).then(|| codec::decode(Codec::Json, b"null", Outermost::Kept)).flatten()
    }

    fn succeeded(written: &T) -> bool
    where
        T: CacheValue,
    {
        !type_name::<T>().starts_with(RESULT)
            || canonical(written, Order::Ignored).is_some_and(|bytes| !bytes.starts_with(&SECOND_VARIANT))
    }

    /// An `Option<User>` met as a type parameter shares its entries with `User`.
    fn type_tag() -> u64 {
        codec::optional_type_tag::<T>(OPTION)
    }

    fn option() -> Outermost {
        if type_name::<T>().starts_with(OPTION) { Outermost::LeftOut } else { Outermost::Kept }
    }

    fn fingerprint(describe: Describe) -> u64 {
        schema::fingerprint(describe, true)
    }
}

impl<T> Presence for Whole<T> {
    type Written = T;
    type Value = T;

    fn there(written: &T) -> Option<&T> {
        Some(written)
    }

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
