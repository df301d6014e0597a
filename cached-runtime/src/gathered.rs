//! The typed shim over [`Slots`]: what an expansion of a batch function calls.

use std::any::type_name;
use std::hash::Hash;

use crate::background::{self, InRuntime};
use crate::batch::{Position, Slots};
use crate::chain::Loading;
use crate::codec::{self, CacheValue};
use crate::gather::{ByType, ByValue, Gather, Sorting};
use crate::lookup;
use crate::outcome::Shape;
use crate::policy::IntoTtl;
use crate::slot::{Found, Loaded};

/// A batch that knows what its function returns.
pub struct TypedBatch<S: Shape, Id, B: Sorting<S::Written, Id>> {
    slots: Slots,
    ids: Vec<Id>,
    sorting: B,
    codec: Codec<B::Value>,
    /// By position, as far as known. `Some(None)`: there is none.
    values: Vec<Option<Option<B::Value>>>,
    /// What one call of the body returned for all of the ids: given back as it is.
    whole: Option<S::Written>,
    /// The positions that the body runs for.
    missing: Vec<usize>,
}

struct Codec<T> {
    decode: fn(&[u8]) -> Option<T>,
    encode: fn(&T) -> Option<Loaded>,
    type_tag: fn() -> u64,
    type_name: fn() -> &'static str,
}

/// Gives a batch its function's return type.
#[doc(hidden)]
pub fn gathering<S, Id, T>(slots: Slots, _: S, ids: &[Id]) -> TypedBatch<S, Id, ByType>
where
    S: Shape<Written: Gather<Id, Value = T>>,
    Id: Clone,
    T: CacheValue,
{
    TypedBatch::new(slots, ids, ByType)
}

/// The same where the values say which id they have.
#[doc(hidden)]
pub fn gathering_by<S, Id, T, F>(slots: Slots, _: S, ids: &[Id], by: F) -> TypedBatch<S, Id, ByValue<F>>
where
    S: Shape<Written = Vec<T>>,
    Id: Clone + Eq + Hash,
    T: CacheValue,
    F: Fn(&T) -> Id,
{
    TypedBatch::new(slots, ids, ByValue(by))
}

impl<S, Id, B> TypedBatch<S, Id, B>
where
    S: Shape,
    Id: Clone,
    B: Sorting<S::Written, Id>,
{
    fn new(slots: Slots, ids: &[Id], sorting: B) -> Self
    where
        B::Value: CacheValue,
    {
        let codec = Codec {
            decode: codec::decode::<B::Value>,
            encode: |value| codec::encode(value).map(|json| Loaded::Value(json.into())),
            type_tag: codec::type_tag::<B::Value>,
            type_name: type_name::<B::Value>,
        };
        let values = ids.iter().map(|_| None).collect();
        Self { slots, ids: ids.to_vec(), sorting, codec, values, whole: None, missing: Vec::new() }
    }

    /// The ids that the body has to be run for now; `None` when all is known.
    pub async fn missing(&mut self) -> Option<Vec<Id>> {
        loop {
            while let Some((at, fill)) = self.read() {
                let Some(Position::Own(slot)) = self.slots.positions.get_mut(at) else { continue };
                lookup::reopen(slot, fill, (self.codec.type_name)()).await;
            }
            if self.find_missing() {
                return Some(self.missing.iter().map(|&at| self.ids[at].clone()).collect());
            }
            if !self.slots.more().await {
                return None;
            }
        }
    }

    /// [`Self::missing`] for a blocking function.
    pub fn missing_blocking(&mut self) -> Option<Vec<Id>> {
        background::block_on(self.missing()).flatten()
    }

    /// Decodes what was found. Gives the first that this type cannot read.
    fn read(&mut self) -> Option<(usize, u64)> {
        for at in 0..self.ids.len() {
            let Some(Position::Own(slot)) = self.slots.positions.get_mut(at) else { continue };
            let Some(Found::Value { type_tag, payload, fill }) = slot.take_found() else { continue };
            let decode = |payload: &[u8]| (self.codec.decode)(payload);
            let value = match &payload {
                _ if type_tag != (self.codec.type_tag)() => None,
                None => Some(None),
                Some(payload) => decode(payload).map(Some),
            };
            match (value, fill) {
                (Some(value), _) => {
                    for (position, other) in self.slots.positions.iter().zip(&mut self.values) {
                        if matches!(position, Position::Same(first) if *first == at) {
                            *other = Some(payload.as_deref().and_then(decode));
                        }
                    }
                    self.values[at] = Some(value);
                }
                (None, Some(fill)) => return Some((at, fill)),
                // Shared by a load of another type, or an error: the body runs for it.
                (None, None) => {}
            }
        }
        None
    }

    fn find_missing(&mut self) -> bool {
        self.missing.clear();
        for (at, position) in self.slots.positions.iter().enumerate() {
            let own = match position {
                Position::Same(first) => *first,
                _ => at,
            };
            let known = self.values[at].is_some() || self.whole.is_some();
            if !known && matches!(self.slots.positions.get(own), Some(Position::Own(_))) {
                self.missing.push(at);
            }
        }
        !self.missing.is_empty()
    }

    /// The body, known to be the load of the missing ids while it runs.
    pub fn load<F: Future<Output = S::Out>>(&mut self, body: F) -> Loading<F> {
        Loading::new(body, self.slots.begin(&self.missing))
    }

    /// The blocking body.
    pub fn run(&mut self, body: impl FnOnce() -> S::Out) -> S::Out {
        self.slots.begin(&self.missing).enter(body)
    }

    /// Takes what the body returned for the missing ids. `Err` gives it back where it failed.
    ///
    /// `ttl` and `unless` are asked about each value.
    pub fn settle(&mut self, out: S::Out) -> Result<(), S::Out> {
        self.settle_with(out, |_| None::<u64>, |_| false)
    }

    /// [`Self::settle`], with a time to live and a condition of each value's own.
    pub fn settle_with<T: IntoTtl>(
        &mut self,
        out: S::Out,
        ttl: impl Fn(&B::Value) -> Option<T>,
        unless: impl Fn(&B::Value) -> bool,
    ) -> Result<(), S::Out> {
        let written = match S::succeed(out) {
            Ok(written) => written,
            Err(out) => {
                let error = S::share(&out);
                for &at in &self.missing {
                    if let Some(Position::Own(slot)) = self.slots.positions.get_mut(at) {
                        slot.failed(error.clone());
                    }
                }
                return Err(out);
            }
        };
        let ids: Vec<Id> = self.missing.iter().map(|&at| self.ids[at].clone()).collect();
        let each = self.sorting.each(&written, &ids);
        if each.is_none() {
            log::warn!("cache: a batch returned another number of values than it was asked for; none is stored");
        }
        for (index, &at) in self.missing.iter().enumerate() {
            let Some(Position::Own(slot)) = self.slots.positions.get_mut(at) else { continue };
            if !slot.is_leader() {
                continue;
            }
            let loaded = each.as_ref().and_then(|each| match each.get(index).copied().flatten() {
                None => Some(Loaded::Absent),
                Some(value) => {
                    if let Some(ttl) = ttl(value) {
                        slot.keep_for(ttl.into_ttl());
                    }
                    slot.unless(unless(value));
                    (self.codec.encode)(value)
                }
            });
            match loaded {
                Some(loaded) => slot.loaded((self.codec.type_tag)(), loaded),
                None => slot.unstorable(),
            }
        }
        drop(each);
        if ids.len() == self.ids.len() {
            self.whole = Some(written);
        } else {
            for (&at, value) in self.missing.iter().zip(self.sorting.owned(written, &ids)) {
                self.values[at] = Some(value);
            }
        }
        Ok(())
    }

    /// Stores what was settled.
    pub fn fill(&mut self) -> impl Future<Output = ()> + Send {
        InRuntime::new(self.slots.fill(&self.missing))
    }

    /// [`Self::fill`] for a blocking function.
    pub fn fill_blocking(&mut self) {
        background::block_on(self.slots.fill(&self.missing));
    }

    /// All of it, in the order of the ids.
    pub fn give(self) -> S::Out {
        let Self { ids, values, whole, sorting, .. } = self;
        S::join(whole.unwrap_or_else(|| sorting.gather(ids, values.into_iter().map(Option::flatten).collect())))
    }
}
