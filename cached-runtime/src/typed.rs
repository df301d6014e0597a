//! The typed shim over [`Slot`]: decode, encode, and nothing else. What an expansion calls.

use std::any::type_name;

use crate::background::{self, InRuntime};
use crate::chain::Loading;
use crate::codec;
use crate::codec::{CacheError, CacheValue, Outermost};
use crate::form::Form;
use crate::local::Keeping;
use crate::lookup;
use crate::outcome::Shape;
use crate::policy::IntoTtl;
use crate::schema::Describe;
use crate::slot::{Found, Loaded, Slot, Unreadable};
use crate::tier::Admission;

/// A slot that knows what its function returns.
///
/// Its methods ask nothing of the types: what needs `CacheValue` is behind the pointers that [`typed`] sets. So a value
/// that cannot be stored is one error, at `typed`, and not one more for every method that the expansion calls.
pub struct TypedSlot<S: Shape> {
    pub(crate) slot: Slot,
    /// One pointer, not four, in the future of every annotated function.
    codec: fn() -> Codec<S>,
    /// Of errors that are remembered.
    errors: Option<fn() -> Errors<S>>,
}

struct Errors<S: Shape> {
    /// What to store, with its type; `None`: no error, or the codec cannot give it back.
    encode: fn(codec::Codec, &S::Out) -> Option<Encoded>,
    /// The output for a stored error of that form.
    decode: fn(Form, &[u8]) -> Option<S::Out>,
}

struct Codec<S: Shape> {
    /// The output for stored bytes; kept in this process, if it may.
    decode: Decode<S>,
    /// The output for a stored absence; likewise.
    absent: fn(Option<Admission>) -> Option<S::Out>,
    split: Split<S>,
    /// What to store; `None`: the codec cannot give it back.
    encode: fn(codec::Codec, &S::Written) -> Option<Loaded>,
}

/// An error as it is stored.
type Encoded = (Form, Vec<u8>);

type Decode<S> = fn(codec::Codec, &[u8], Option<Admission>) -> Option<<S as Shape>::Out>;

type Split<S> = fn(<S as Shape>::Out) -> Result<<S as Shape>::Written, <S as Shape>::Out>;

/// Gives a slot its function's return type.
#[doc(hidden)]
pub fn typed<S>(mut slot: Slot, shape: S) -> TypedSlot<S>
where
    S: Shape,
    S::Value: CacheValue,
{
    slot.describe(shape.describe(), S::fingerprint);
    let codec = || Codec {
        decode: |codec, bytes, _| codec::decode(codec, bytes, S::option()).and_then(S::present),
        absent: |_| S::absent(),
        split: S::split,
        encode: encode::<S>,
    };
    TypedSlot { slot, codec, errors: None }
}

/// The same where values are kept in this process too.
pub(crate) fn typed_local<S: Shape<Value: CacheValue>, K: Keeping<S::Value>>(
    mut slot: Slot,
    describe: Option<Describe>,
) -> TypedSlot<S> {
    slot.describe(describe, S::fingerprint);
    let codec = || Codec {
        decode: |codec, bytes, admission| {
            let value = codec::decode(codec, bytes, S::option())?;
            let kept = admission.map(|admission| (admission, K::keep(&value)));
            let out = S::present(value)?;
            if let Some((admission, kept)) = kept {
                admission.keep::<K::As>(kept);
            }
            Some(out)
        },
        absent: |admission| {
            let out = S::absent()?;
            if let Some(admission) = admission {
                admission.keep_absence();
            }
            Some(out)
        },
        split: S::split,
        encode: encode::<S>,
    };
    TypedSlot { slot, codec, errors: None }
}

/// `error_ttl`: lets a slot store errors, and serve those that are stored.
#[doc(hidden)]
pub fn remembering<S>(slot: TypedSlot<S>) -> TypedSlot<S>
where
    S: Shape,
    S::Error: CacheError,
{
    let errors = || Errors {
        // The fingerprint is that of the value, and says nothing about the error.
        encode: |codec, out| {
            let form = Form::of(codec::type_tag::<S::Error>(), codec);
            Some((form, codec::encode(codec, S::error(out)?, Outermost::Kept)?))
        },
        decode: |form, bytes| {
            let error = form.may_be(codec::type_tag::<S::Error>(), 0);
            error.then(|| codec::decode(form.codec, bytes, Outermost::Kept)).flatten().and_then(S::fail)
        },
    };
    TypedSlot { errors: Some(errors), ..slot }
}

/// What to store; `None`: the codec cannot give it back.
pub(crate) fn encode<S: Shape<Value: CacheValue>>(codec: codec::Codec, written: &S::Written) -> Option<Loaded> {
    match S::value(written) {
        None => Some(Loaded::Absent),
        Some(value) => codec::encode(codec, value, S::option()).map(|bytes| Loaded::Value(bytes.into())),
    }
}

enum Read<O> {
    Hit(O),
    Load,
    /// A stored value of another type, or one that this type no longer decodes.
    Unreadable(Unreadable),
}

impl<S: Shape> TypedSlot<S> {
    /// What to return instead of running the body.
    pub async fn hit(&mut self) -> Option<S::Out> {
        loop {
            // The output is out of the way before the await: it need not be `Send`.
            let unreadable = match self.read() {
                Read::Hit(_) if self.slot.refreshes() => return None,
                Read::Hit(out) => return Some(out),
                Read::Load => return None,
                Read::Unreadable(unreadable) => unreadable,
            };
            lookup::reopen(&mut self.slot, unreadable, type_name::<S::Value>()).await;
        }
    }

    fn read(&mut self) -> Read<S::Out> {
        let admission = self.slot.take_admission();
        let Some(found) = self.slot.take_found() else { return Read::Load };
        let unreadable = match &found {
            Found::Value { form, fill: Some(fill), .. } => {
                Some(Unreadable { fill: *fill, same_type: form.type_tag == S::type_tag() })
            }
            // An error gives its place to whoever loads.
            Found::Failure { fill, .. } => Some(Unreadable { fill: *fill, same_type: false }),
            Found::Value { fill: None, .. } | Found::Error(_) => None,
        };
        match (self.output(found, admission), unreadable) {
            (Some(out), _) => Read::Hit(out),
            (None, Some(unreadable)) => Read::Unreadable(unreadable),
            // Shared by a load of another type: nothing in the store to look past.
            (None, None) => Read::Load,
        }
    }

    /// The output for what was found, where it is of this type; kept in this process, if it may.
    fn output(&self, found: Found, admission: Option<Admission>) -> Option<S::Out> {
        match found {
            Found::Error(error) => S::shared(&error),
            Found::Failure { form, payload, .. } => ((self.errors?)().decode)(form, &payload),
            Found::Value { form, .. } if form.type_tag != S::type_tag() => None,
            Found::Value { payload: None, .. } => ((self.codec)().absent)(admission),
            Found::Value { form, .. } if !form.may_be(S::type_tag(), self.slot.schema()) => None,
            Found::Value { form, payload: Some(bytes), .. } => ((self.codec)().decode)(form.codec, &bytes, admission),
        }
    }

    /// The body, known to be this call's load while it runs.
    pub fn load<F: Future<Output = S::Out>>(&mut self, body: F) -> Loading<F> {
        Loading::new(body, self.slot.begin(), self.slot.span())
    }

    /// Takes the time to live from the loaded value.
    pub fn ttl<T: IntoTtl>(&mut self, out: S::Out, ttl: impl FnOnce(&S::Written) -> T) -> S::Out {
        if let Some(written) = S::written(&out) {
            self.slot.keep_for(ttl(written).into_ttl());
        }
        out
    }

    /// Asks whether the loaded value must not be stored.
    pub fn unless(&mut self, out: S::Out, unless: impl FnOnce(&S::Written) -> bool) -> S::Out {
        if let Some(written) = S::written(&out) {
            self.slot.unless(unless(written));
        }
        out
    }

    /// `Ok` when there is something to store or share: then `fill` and `give`. `Err` gives the output back as it is:
    /// an error is never held across an await, so it need not be `Send`.
    pub fn settle(&mut self, out: S::Out) -> Result<S::Written, S::Out> {
        self.slot.landed(true);
        let written = match ((self.codec)().split)(out) {
            Ok(written) => written,
            Err(out) => {
                // The old value is still there: it is a better answer than an error.
                let old = self.slot.take_old().and_then(|old| self.output(old, None));
                if let Some((form, error)) = self.errors.and_then(|errors| (errors().encode)(self.slot.codec(), &out)) {
                    self.slot.remember(form, error);
                }
                self.slot.failed(S::share(&out), true);
                return Err(old.unwrap_or(out));
            }
        };
        if !self.slot.is_leader() {
            return Err(S::join(written));
        }
        let Some(loaded) = ((self.codec)().encode)(self.slot.codec(), &written) else {
            self.slot.unstorable();
            return Err(S::join(written));
        };
        self.slot.loaded(S::type_tag(), loaded);
        Ok(written)
    }

    /// Stores what was settled.
    pub fn fill(&mut self) -> impl Future<Output = ()> + Send {
        let span = self.slot.span();
        InRuntime::new(self.slot.fill()).within(span)
    }

    /// The output again.
    pub fn give(self, written: S::Written) -> S::Out {
        S::join(written)
    }

    /// [`Self::hit`] for a blocking function.
    pub fn hit_blocking(&mut self) -> Option<S::Out> {
        match self.read() {
            Read::Hit(_) if self.slot.refreshes() => None,
            Read::Hit(out) => Some(out),
            Read::Load => None,
            Read::Unreadable(unreadable) => {
                background::block_on(lookup::reopen(&mut self.slot, unreadable, type_name::<S::Value>()));
                background::block_on(self.hit()).flatten()
            }
        }
    }

    /// The blocking body.
    pub fn run(&mut self, body: impl FnOnce() -> S::Out) -> S::Out {
        let chain = self.slot.begin();
        let span = self.slot.span();
        chain.enter(|| span.enter(body))
    }

    /// [`Self::fill`] for a blocking function.
    pub fn fill_blocking(&mut self) {
        background::block_on(self.slot.span().within(self.slot.fill()));
    }
}
