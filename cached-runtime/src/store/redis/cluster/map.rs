//! Who holds which slot, as far as this process knows.

use std::sync::Arc;

use super::slot::SLOTS;
use super::view::View;
use crate::store::redis::node::Node;

/// A server that holds slots.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) node: Arc<Node>,
    /// `host:port`.
    pub(crate) address: Arc<str>,
    /// The name that the cluster gave it.
    pub(crate) id: String,
}

/// A claim to one slot: the place of its holder, and how new the claim is.
type Claim = Option<(usize, u64)>;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) holders: Vec<Holder>,
    /// By slot.
    claims: Vec<Claim>,
    /// So many views in a row were older than this.
    refused: u32,
}

/// After so many, what looked old is the truth: somebody made the cluster anew.
const REFUSED: u32 = 3;

impl Default for Map {
    fn default() -> Self {
        Self { holders: Vec::new(), claims: vec![None; usize::from(SLOTS)], refused: 0 }
    }
}

impl Map {
    /// The place of the slot's holder among the holders.
    pub(crate) fn place(&self, slot: u16) -> Option<usize> {
        let (place, _) = (*self.claims.get(usize::from(slot))?)?;
        Some(place)
    }

    pub(crate) fn holder(&self, slot: u16) -> Option<&Holder> {
        self.holders.get(self.place(slot)?)
    }

    /// The map after this view. Claims that are older than those that are known change nothing: servers hear of a
    /// failover one after another.
    pub(crate) fn after(&self, view: &View, holder: impl Fn(&super::view::Master) -> Holder) -> Self {
        let mut next = Self { holders: view.masters.iter().map(holder).collect(), ..Self::default() };
        for (place, master) in view.masters.iter().enumerate() {
            for slot in master.slots.iter().flat_map(|(first, last)| *first..=*last) {
                next.claims[usize::from(slot)] = Some((place, master.config_epoch));
            }
        }
        let mut refused = false;
        for slot in 0..usize::from(SLOTS) {
            let Some((place, known)) = self.claims[slot] else { continue };
            let older = next.claims[slot].is_none_or(|(_, claimed)| claimed < known);
            if older && self.refused < REFUSED && view.ids.contains(&self.holders[place].id) {
                refused |= next.keep(slot, &self.holders[place], known);
            }
        }
        next.refused = if refused { self.refused + 1 } else { 0 };
        next
    }

    /// The slot stays with whom it was with; true where somebody else had claimed it.
    pub(crate) fn keep(&mut self, slot: usize, holder: &Holder, config_epoch: u64) -> bool {
        let place = self.holders.iter().position(|it| it.address == holder.address).unwrap_or_else(|| {
            self.holders.push(holder.clone());
            self.holders.len() - 1
        });
        let claimed = self.claims[slot].is_some_and(|(other, _)| other != place);
        self.claims[slot] = Some((place, config_epoch));
        claimed
    }

    /// The slots that another server held before, with their claims then.
    pub(crate) fn moved_since<'m>(&'m self, before: &'m Self) -> impl Iterator<Item = (u16, &'m Holder, u64)> {
        (0..SLOTS).filter_map(|slot| {
            let (_, config_epoch) = before.claims[usize::from(slot)]?;
            let (was, is) = (before.holder(slot)?, self.holder(slot)?);
            (was.address != is.address).then_some((slot, was, config_epoch))
        })
    }
}
