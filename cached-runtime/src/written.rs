//! The typed shim over [`Writing`]: what an expansion of a writer calls.

use std::marker::PhantomData;

use crate::background::{self, InRuntime};
use crate::codec::{CacheValue, Codec};
use crate::key::Key;
use crate::outcome::Shape;
use crate::policy::IntoTtl;
use crate::slot::Loaded;
use crate::typed;
use crate::writing::Writing;

/// A write that knows what its function returns.
pub struct TypedWrite<S: Shape> {
    write: Writing,
    /// What to store of what the body returns, where that is stored.
    encode: Option<Encode<S>>,
    shape: PhantomData<fn() -> S>,
}

type Encode<S> = fn(Codec, &<S as Shape>::Written) -> Option<(u64, Loaded)>;

/// Gives a write its function's return type.
#[doc(hidden)]
pub fn writing<S: Shape>(write: Writing, _: S) -> TypedWrite<S> {
    TypedWrite { write, encode: None, shape: PhantomData }
}

/// The same where what the body returns is stored.
#[doc(hidden)]
pub fn writing_through<S>(mut write: Writing, shape: S) -> TypedWrite<S>
where
    S: Shape,
    S::Value: CacheValue,
{
    write.describe(shape.describe(), S::fingerprint);
    let encode: Encode<S> = |codec, written| typed::encode::<S>(codec, written).map(|loaded| (S::type_tag(), loaded));
    TypedWrite { write, encode: Some(encode), shape: PhantomData }
}

impl<S: Shape> TypedWrite<S> {
    /// The body. From here on, until the end is known to the store, the keys are invalidated if this is dropped.
    pub fn run<F: Future<Output = S::Out>>(&mut self, body: F) -> F {
        self.write.run(body)
    }

    /// The blocking body.
    pub fn run_blocking(&mut self, body: impl FnOnce() -> S::Out) -> S::Out {
        self.write.run(body)()
    }

    /// Takes the time to live from the returned value.
    pub fn ttl<T: IntoTtl>(&mut self, out: S::Out, ttl: impl FnOnce(&S::Written) -> T) -> S::Out {
        if let Some(written) = S::written(&out) {
            self.write.keep_for(ttl(written).into_ttl());
        }
        out
    }

    /// Asks whether the value must not be stored.
    pub fn unless(&mut self, out: S::Out, unless: impl FnOnce(&S::Written) -> bool) -> S::Out {
        if let Some(written) = S::written(&out) {
            self.write.unless(unless(written));
        }
        out
    }

    /// `Ok` when the body has succeeded: then `finish` and `give`. `Err` gives the output back as it is: an error is
    /// never held across an await, so it need not be `Send`.
    pub fn settle(&mut self, out: S::Out) -> Result<S::Written, S::Out> {
        let written = S::succeed(out).inspect_err(|_| self.write.failed())?;
        if let Some(encode) = self.encode {
            self.write.returned(|codec| encode(codec, &written));
        }
        Ok(written)
    }

    /// What places named `result` begin with: the `Ok`, of an `Option` the `Some`.
    pub fn result<'w>(&self, written: &'w S::Written) -> Option<&'w S::Value> {
        S::result(written)
    }

    /// One more key to invalidate, known from the result.
    pub fn key(&mut self, key: impl Into<Key>) {
        self.write.key(key);
    }

    /// One more tag to invalidate, known from the result.
    pub fn tag(&mut self, tag: impl Into<Key>) {
        self.write.tag(tag);
    }

    /// Tells the store.
    pub fn finish(&mut self) -> impl Future<Output = ()> + Send {
        InRuntime::new(self.write.finish())
    }

    /// [`Self::finish`] for a blocking function.
    pub fn finish_blocking(&mut self) {
        background::block_on(self.write.finish());
    }

    /// The output again.
    pub fn give(self, written: S::Written) -> S::Out {
        S::join(written)
    }
}
