//! The typed shim over [`Slots`]: what an expansion of a batch function calls.

use std::any::type_name;
use std::collections::HashMap;

use crate::background::{self, InRuntime};
use crate::batch::{Position, Slots};
use crate::chain::Loading;
use crate::codec::{self, CacheValue};
use crate::each::Each;
use crate::event;
use crate::outcome::Shape;
use crate::policy::IntoTtl;
use crate::presence::{Plain, Presence};
use crate::schema::Describe;
use crate::slot::{Found, Loaded, Slot, Unreadable};

/// A batch that knows what its function returns.
///
/// As in `TypedSlot`, its methods ask nothing of the types: that is done by [`gathering`] and by what makes an [`Each`].
pub struct TypedBatch<S: Shape, Id, T, F> {
    slots: Slots,
    each: Each<S, Id, T, F>,
    codec: fn() -> Codec<T>,
    describe: Option<Describe>,
    /// By position, as far as known. `Some(None)`: there is none.
    values: Vec<Option<Option<T>>>,
    /// The positions that have the key of an earlier one, by that one. Not those with its id, too, in a collection that
    /// has one value for both: nobody has to ask for them.
    repeats: HashMap<usize, Vec<usize>>,
    /// How many those are.
    told: usize,
    /// What the body returned for all of the ids, to be given back as it is.
    whole: Option<S::Written>,
    /// The positions that the body runs for.
    missing: Vec<usize>,
}

struct Codec<T> {
    decode: fn(codec::Codec, &[u8]) -> Option<T>,
    /// What a stored absence is; `None` where only the collection can say it.
    absent: fn() -> Option<T>,
    /// `None`: the codec cannot give it back.
    encode: fn(codec::Codec, &T) -> Option<Loaded>,
    type_tag: fn() -> u64,
    type_name: fn() -> &'static str,
}

/// Gives a batch its function's return type.
#[doc(hidden)]
pub fn gathering<S: Shape, Id, T: CacheValue, F>(
    slots: Slots,
    describe: Option<Describe>,
    each: Each<S, Id, T, F>,
) -> TypedBatch<S, Id, T, F> {
    // As the function for a single one has it: a `HashMap<Id, Option<User>>` holds `User`s, and absences.
    let codec = || Codec {
        decode: |codec, bytes| codec::decode(codec, bytes, Plain::<T>::option()).and_then(Plain::<T>::present),
        absent: Plain::<T>::absent,
        encode: |codec, value| match Plain::<T>::value(value) {
            None => Some(Loaded::Absent),
            Some(value) => codec::encode(codec, value, Plain::<T>::option()).map(|bytes| Loaded::Value(bytes.into())),
        },
        type_tag: Plain::<T>::type_tag,
        type_name: type_name::<T>,
    };
    let same = (each.sorting)().same;
    let mut values: Vec<Option<Option<T>>> = each.ids.iter().map(|_| None).collect();
    let mut repeats: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut told = 0;
    for (at, position) in slots.positions.iter().enumerate() {
        let Position::Same(first) = position else { continue };
        if same(&each.ids[*first], &each.ids[at]) {
            values[at] = Some(None);
            told += 1;
        } else {
            repeats.entry(*first).or_default().push(at);
        }
    }
    TypedBatch { slots, each, codec, describe, values, repeats, told, whole: None, missing: Vec::new() }
}

impl<S: Shape, Id, T, F> TypedBatch<S, Id, T, F> {
    /// The ids that the body has to be run for now; `None` when all is known.
    pub async fn missing(&mut self) -> Option<Vec<Id>> {
        let mut waited = false;
        loop {
            let mut unreadable = self.read();
            while !unreadable.is_empty() {
                self.slots.reopen(unreadable, ((self.codec)().type_name)()).await;
                unreadable = self.read();
            }
            if self.find_missing() {
                if !std::mem::take(&mut waited) {
                    return Some(self.missing_ids());
                }
                self.slots.rest().await;
            } else if self.slots.more().await {
                waited = true;
            } else {
                return None;
            }
        }
    }

    /// [`Self::missing`] for a blocking function.
    pub fn missing_blocking(&mut self) -> Option<Vec<Id>> {
        background::block_on(self.missing()).flatten()
    }

    fn missing_ids(&self) -> Vec<Id> {
        self.missing.iter().map(|&at| (self.each.copy)(&self.each.ids[at])).collect()
    }

    /// Decodes what was found. Gives what this type cannot read.
    fn read(&mut self) -> Vec<(usize, Unreadable)> {
        let mut unreadable = Vec::new();
        let codec = (self.codec)();
        let type_tag = (codec.type_tag)();
        for at in 0..self.values.len() {
            let Some(Position::Own(slot)) = self.slots.positions.get_mut(at) else { continue };
            // Those that were waited for have a slot only now.
            slot.describe(self.describe, Plain::<T>::fingerprint);
            let schema = slot.schema();
            let Some(Found::Value { form, payload, fill }) = slot.take_found() else { continue };
            let read = || match &payload {
                _ if form.type_tag != type_tag => None,
                None => Some((codec.absent)()),
                Some(_) if !form.may_be(type_tag, schema) => None,
                Some(payload) => (codec.decode)(form.codec, payload).map(Some),
            };
            match (read(), fill) {
                (Some(value), _) => {
                    for &again in self.repeats.get(&at).into_iter().flatten() {
                        self.values[again] = read();
                    }
                    self.values[at] = Some(value);
                }
                (None, Some(fill)) => {
                    unreadable.push((at, Unreadable { fill, same_type: form.type_tag == type_tag }));
                }
                // Shared by a load of another type, or an error: the body runs for it.
                (None, None) => {}
            }
        }
        unreadable
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
    pub fn load<B: Future<Output = S::Out>>(&mut self, body: B) -> Loading<B> {
        Loading::new(body, self.slots.begin(&self.missing), self.slots.span.clone())
    }

    /// The blocking body.
    pub fn run(&mut self, body: impl FnOnce() -> S::Out) -> S::Out {
        let chain = self.slots.begin(&self.missing);
        let span = self.slots.span.clone();
        chain.enter(|| span.enter(body))
    }

    /// Takes what the body returned for the missing ids. `Err` gives it back where it failed.
    pub fn settle(&mut self, out: S::Out) -> Result<(), S::Out> {
        self.slots.landed(&self.missing);
        let written = match S::succeed(out) {
            Ok(written) => written,
            Err(out) => {
                self.slots.failed(&self.missing, S::share(&out).as_ref());
                return Err(out);
            }
        };
        let (codec, sorting, ids) = ((self.codec)(), (self.each.sorting)(), self.missing_ids());
        let each = (sorting.each)(&written, &ids, &self.each.by);
        if each.is_none() && !self.slots.bypassed {
            event::warning!(
                "cache: a batch returned values that cannot be told apart by id: not one for each id, in order, or `by` \
                 gives one id for several (return a `HashMap<Id, Vec<T>>`); none is stored"
            );
        }
        for (index, &at) in self.missing.iter().enumerate() {
            let Some(Position::Own(slot)) = self.slots.positions.get_mut(at) else { continue };
            if !slot.is_leader() {
                continue;
            }
            let loaded = each.as_ref().and_then(|each| match each.get(index).copied().flatten() {
                None => Some(Loaded::Absent),
                Some(value) => (codec.encode)(slot.codec(), value),
            });
            match loaded {
                Some(loaded) => slot.loaded((codec.type_tag)(), loaded),
                None => slot.unstorable(),
            }
        }
        // Past the cache it is the body's own. Else all comes together from its parts, even where the body gave all of
        // them: a caller cannot tell which ones were cached.
        let (apart, all) = (each.is_some(), ids.len() + self.told == self.values.len());
        drop(each);
        if self.slots.bypassed || (!apart && all) {
            self.whole = Some(written);
        } else if !apart {
            self.slots.start_over();
            self.values.iter_mut().for_each(|value| *value = None);
        } else {
            for (&at, value) in self.missing.iter().zip((sorting.into_each)(written, &ids, &self.each.by)) {
                self.values[at] = Some(value);
            }
        }
        Ok(())
    }

    /// Takes the time to live of each settled value from the value.
    pub fn ttl<L: IntoTtl>(&mut self, ttl: impl Fn(&T) -> L) {
        self.ask(|value, slot| slot.keep_for(ttl(value).into_ttl()));
    }

    /// Asks of each settled value whether it must not be stored.
    pub fn unless(&mut self, unless: impl Fn(&T) -> bool) {
        self.ask(|value, slot| slot.unless(unless(value)));
    }

    fn ask(&mut self, ask: impl Fn(&T, &mut Slot)) {
        for &at in &self.missing {
            if let Some(Position::Own(slot)) = self.slots.positions.get_mut(at)
                && let Some(Some(Some(value))) = self.values.get(at)
                && slot.is_leader()
            {
                ask(value, slot);
            }
        }
    }

    /// The ids that were served what is to be loaded anew.
    pub(crate) fn due(&mut self) -> Vec<Id> {
        let due = std::mem::take(&mut self.slots.due);
        due.into_iter().map(|at| (self.each.copy)(&self.each.ids[at])).collect()
    }

    /// Stores what was settled.
    pub fn fill(&mut self) -> impl Future<Output = ()> + Send {
        let span = self.slots.span.clone();
        InRuntime::new(self.slots.fill(&self.missing)).within(span)
    }

    /// [`Self::fill`] for a blocking function.
    pub fn fill_blocking(&mut self) {
        background::block_on(self.slots.span.clone().within(self.slots.fill(&self.missing)));
    }

    /// All of it, in the order of the ids.
    pub fn give(self) -> S::Out {
        let Self { each: Each { ids, by, sorting, .. }, values, whole, .. } = self;
        let gathered = || (sorting().gather)(ids, values.into_iter().map(Option::flatten).collect(), &by);
        S::join(whole.unwrap_or_else(gathered))
    }
}
