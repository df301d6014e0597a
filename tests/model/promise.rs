//! What holds in every state that can be reached.

use crate::mutation::Mutation;
use crate::reader::Phase;
use crate::setting::Rules;
use crate::world::{Entry, READERS, Value, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Promise {
    /// A read that starts after an invalidation or a write-through completed returns nothing older, be it from the
    /// store, from the database or from another reader.
    NoStaleRead,
    /// Nothing is in the store that such a read would return.
    NoStaleValue,
    /// Of the readers whose lease has neither run out nor been revoked there is one at most.
    OneHolder,
    /// A lease or marker whose owner is gone runs out.
    NothingForEver,
    /// Nobody waits for what cannot come, not even until a deadline.
    NobodyStuck,
}

/// A promise that this state does not keep. `NoStaleRead` is about steps: see [`Turn::returned`](crate::turn::Turn).
pub fn broken(rules: &Rules, world: &World) -> Option<Promise> {
    if let Entry::Value(value) = world.key
        && value.version < world.floor
        && readable(rules, world, value)
    {
        return Some(Promise::NoStaleValue);
    }
    let mut holders = 0;
    for reader in &world.readers {
        if reader.holder {
            holders += 1;
        }
    }
    if holders > 1 {
        return Some(Promise::OneHolder);
    }
    if let Entry::Lease { token, expires: false } = world.key
        && !world.readers.iter().any(|reader| reader.loads_under(token))
    {
        return Some(Promise::NothingForEver);
    }
    (0..READERS).any(|reader| !goes_on(world, reader)).then_some(Promise::NobodyStuck)
}

/// Whether there is, or can be, a reader that takes this value for one of now.
fn readable(rules: &Rules, world: &World, value: Value) -> bool {
    let tag = value.stamps.tag == world.tag || world.tag.is_none() && rules.without(Mutation::MissingTagMatches);
    let epoch = value.stamps.epoch;
    let relied_on = || world.processes.iter().any(|process| process.view == epoch || process.asked == epoch);
    (!rules.setting.tagged || tag) && (!rules.setting.clearable || epoch == world.epoch || relied_on())
}

/// Whether something that must happen, and no mere accident, gets this reader on. All else can always go on by itself: a
/// key that holds a lease is left by it when it runs out, if not before.
fn goes_on(world: &World, reader: usize) -> bool {
    match world.readers[reader].phase {
        Phase::Following { leader, .. } => match world.readers[leader].phase {
            // Whoever leads does not follow.
            Phase::Idle | Phase::Done | Phase::Following { .. } | Phase::Refreshing { .. } => false,
            _ => goes_on(world, leader),
        },
        Phase::Waiting { lease } => match world.key {
            Entry::Lease { token, expires: false } if token == lease => {
                world.readers.iter().any(|reader| reader.loads_under(token))
            }
            _ => true,
        },
        _ => true,
    }
}
