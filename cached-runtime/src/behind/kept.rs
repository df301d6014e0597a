//! How the values of a queue are stored, and how the errors of its body are told.

use std::any::type_name;
use std::fmt::Display;

use crate::codec::{self, CacheValue, Codec};
use crate::form::Form;
use crate::outcome::Shape;
use crate::presence::{Plain, Presence};
use crate::returned::Returned;
use crate::schema::Describe;
use crate::site::Site;

/// A type, to bytes and back, as the function that reads one value has it.
#[derive(Debug)]
pub struct Kept<T> {
    describe: Option<Describe>,
    encode: fn(Codec, &T) -> Option<Vec<u8>>,
    decode: fn(Codec, &[u8]) -> Option<T>,
    type_tag: fn() -> u64,
    fingerprint: fn(Describe) -> u64,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kept<T> {}

/// How values of that type are stored.
#[doc(hidden)]
pub fn kept<T: CacheValue>(_: Returned<T>, describe: Option<Describe>) -> Kept<T> {
    Kept {
        describe,
        // A `None` is not a value that anybody writes.
        encode: |codec, value| codec::encode(codec, Plain::<T>::value(value)?, Plain::<T>::option()),
        decode: |codec, bytes| codec::decode(codec, bytes, Plain::<T>::option()),
        type_tag: Plain::<T>::type_tag,
        fingerprint: Plain::<T>::fingerprint,
    }
}

impl<T> Kept<T> {
    pub(super) fn form(&self, site: &Site, codec: Codec) -> Form {
        let schema = site.schema.of(self.describe, self.fingerprint);
        Form { type_tag: (self.type_tag)(), schema, codec }
    }

    pub(super) fn encode(&self, codec: Codec, value: &T) -> Option<Vec<u8>> {
        (self.encode)(codec, value)
    }

    /// `None`: another type, or one that this build does not read.
    pub(super) fn decode(&self, site: &Site, form: Form, bytes: &[u8]) -> Option<T> {
        let own = self.form(site, form.codec);
        form.may_be(own.type_tag, own.schema).then(|| (self.decode)(form.codec, bytes)).flatten()
    }
}

/// How the errors of a function are told.
pub struct Reason<S: Shape>(pub(super) fn(&S::Error) -> String);

#[doc(hidden)]
pub fn told<S: Shape>(_: S, tell: fn(&S::Error) -> String) -> Reason<S> {
    Reason(tell)
}

/// Errors that say what they are.
pub trait ByDisplay {
    /// The error.
    type Error;
    /// What says it.
    fn tell(&self) -> fn(&Self::Error) -> String;
}

impl<E: Display> ByDisplay for &Returned<E> {
    type Error = E;

    fn tell(&self) -> fn(&E) -> String {
        ToString::to_string
    }
}

/// All other errors.
pub trait ByTypeName {
    /// The error.
    type Error;
    /// What says it.
    fn tell(&self) -> fn(&Self::Error) -> String;
}

impl<E> ByTypeName for Returned<E> {
    type Error = E;

    fn tell(&self) -> fn(&E) -> String {
        |_| type_name::<E>().to_owned()
    }
}

/// How the errors of a shape are told.
#[doc(hidden)]
#[macro_export]
macro_rules! __reason {
    ($shape:expr) => {{
        #[allow(unused_imports, reason = "method lookup picks one")]
        use $crate::__private::{ByDisplay as _, ByTypeName as _};
        let shape = $shape;
        let error = shape.error();
        $crate::__private::told(shape, (&&error).tell())
    }};
}
