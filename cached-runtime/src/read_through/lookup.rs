//! What the expansion of a reader does, and that of a batch, as code: for one key, and for many.

use std::collections::HashMap;

use super::loader::ForMany;
use super::{LoadKey, ReadThrough};
use crate::background;
use crate::batch::{Batch, open_batch};
use crate::call::Call;
use crate::each::each;
use crate::gathered::gathering;
use crate::lookup;
use crate::outcome::{Fallible, Own};
use crate::presence::{Maybe, Plain};
use crate::spawned::in_background;
use crate::typed::{TypedSlot, typed};

/// What a loader for one key returns.
pub(super) type Shaped<V, E> = Fallible<Maybe<V>, E, Own>;

pub(super) fn shape<K: LoadKey, E>() -> Shaped<K::Value, E> {
    Shaped::of().described(K::describe())
}

/// One key's value.
pub(super) struct One<V, E> {
    pub(super) out: Result<Option<V>, E>,
    /// Whether this call loaded it.
    pub(super) loaded: bool,
}

/// The values of many keys.
pub(super) struct Many<K, V> {
    pub(super) found: HashMap<K, V>,
    /// How many of them this call loaded.
    pub(super) loaded: usize,
    /// How many this call asked the loader for in vain.
    pub(super) absent: usize,
}

impl<K: LoadKey, E: Send + 'static> ReadThrough<K, E> {
    pub(super) async fn one(&self, key: K) -> One<K::Value, E> {
        let call = Call::with(self.site, self.policy, key.to_key()).cache(&self.cache);
        if let Some(out) = self.local.and_then(|local| local.hit(&call)) {
            return One { out, loaded: false };
        }
        let slot = lookup::open(call).await;
        let mut slot = match self.local {
            Some(local) => local.slot(slot),
            None => typed(slot, shape::<K, E>()),
        };
        let loader = self.loader.clone();
        let load = in_background(&slot, move |mut slot: TypedSlot<_>| async move {
            let out = slot.load(async move { loader.load(key).await }).await;
            let value = match slot.settle(out) {
                Ok(value) => value,
                Err(out) => return out,
            };
            slot.fill().await;
            slot.give(value)
        });
        match slot.hit().await {
            Some(out) => {
                slot.refresh(load);
                One { out, loaded: false }
            }
            None => One { out: load(slot).await, loaded: true },
        }
    }

    /// One round trip, and one call of the loader. No key stands twice in `keys`.
    pub(super) async fn many(
        &self,
        loader: &ForMany<K, K::Value, E>,
        mut keys: Vec<K>,
    ) -> Result<Many<K, K::Value>, E> {
        let mut kept = HashMap::new();
        if let Some(local) = self.local {
            keys.retain(|key| {
                let call = Call::with(self.site, self.policy, key.to_key()).cache(&self.cache);
                let Some(Ok(value)) = local.hit(&call) else { return true };
                kept.extend(value.map(|value| (key.clone(), value)));
                false
            });
        }
        let mut batch = Batch::new(self.site).cache(&self.cache).policy(self.policy.without_local());
        for key in &keys {
            batch.key(key.to_key());
        }
        let each = each(&keys, Fallible::<Plain<HashMap<K, K::Value>>, E, Own>::of());
        let mut slots = gathering(open_batch(batch).await, K::describe(), each);
        self.refresh(slots.due());
        let (mut loaded, mut absent) = (0, 0);
        while let Some(missing) = slots.missing().await {
            let asked = missing.clone();
            let out = slots.load(async move { loader(missing).await }).await;
            if let Ok(found) = &out {
                let there = asked.iter().filter(|key| found.contains_key(key)).count();
                loaded += there;
                absent += asked.len() - there;
            }
            if let Err(Err(error)) = slots.settle(out) {
                return Err(error);
            }
            slots.fill().await;
        }
        let mut found = slots.give()?;
        found.extend(kept);
        Ok(Many { found, loaded, absent })
    }

    /// Loads these anew, one by one and in a task of their own: each by a call that finds it due, and so decides as every
    /// other would.
    fn refresh(&self, due: Vec<K>) {
        if let (false, Some(here)) = (due.is_empty(), background::here()) {
            let this = self.clone();
            here.spawn(async move {
                for key in due {
                    drop(this.one(key).await);
                }
            });
        }
    }
}
