//! The right to run the body: alone, for others too, with a lease or without; and in turns, where the store is away.

use crate::answer::Answer;
use crate::call::Context;
use crate::fallback::Turn;
use crate::flight::Lead;
use crate::lease::Lease;
use crate::slot::{Role, Slot};

use super::Rare;

impl Context {
    /// Loads without leading: one of many, maybe, whose load has failed. Where the store is away, be it for that load
    /// alone (`storeless`), they take turns like everybody else, or the database that just failed would meet all of them
    /// at once.
    pub(super) fn load_alone(self: Box<Self>, storeless: bool, answer: Answer) -> Rare<'static, Slot> {
        Box::pin(async move {
            let away = storeless || self.cache.store().is_doubtful(&self.key);
            let turn = if away { self.turn().await } else { None };
            Slot::missed(self, Role::Alone, answer).during(turn)
        })
    }

    /// The right to load while the store is away. A load inside of another, whose turn it is already, would wait for
    /// itself. A blocking call on a runtime's thread might wait for tasks that need it: it takes a turn that is free, or
    /// loads over the bound.
    pub(crate) fn turn(&self) -> Rare<'_, Option<Turn>> {
        Box::pin(async move {
            // A batch has one body, and one turn, for all that its tasks find out.
            if self.chain.is_inside() || self.batch.is_some() {
                return None;
            }
            let fallback = &self.cache.fallback;
            let turn = if self.caller.inside().is_some() { fallback.try_turn() } else { fallback.turn().await };
            if matches!(turn, Turn::OverBound) {
                self.counters.over_bound.add();
            }
            Some(turn)
        })
    }

    /// Leads without a lease, unless this process has another flight by now.
    pub(crate) fn lead_unleased(&self, lead: Option<Lead>) -> Result<Lead, ()> {
        match lead {
            Some(lead) => Ok(lead),
            None => self.cache.flights.lead(&self.flight, self.caller.leader()).map_err(drop),
        }
    }

    /// The same for want of the store.
    pub(crate) fn lead_storeless(&self, lead: Option<Lead>) -> Option<Lead> {
        match lead {
            Some(lead) => {
                lead.goes_storeless();
                Some(lead)
            }
            None => self.cache.flights.lead_storeless(&self.flight, self.caller.leader()),
        }
    }

    /// Leads with the lease; unless this process loads without one, while the store was away for another call. Then the
    /// lease is given back, and that load awaited.
    pub(crate) fn lead_leased(&self, lead: Option<Lead>) -> Option<Lead> {
        lead.or_else(|| self.cache.flights.replace(&self.flight, self.caller.leader()))
    }

    /// This call loads, for itself and for whoever follows.
    pub(crate) fn lead(self: Box<Self>, lead: Lead, mut lease: Option<Lease>, answer: Answer) -> Slot {
        if let Some(lease) = &mut lease {
            lease.keep(&self.policy);
        }
        // Last: whoever has come until now came before the load.
        lead.begin();
        Slot::missed(self, Role::Leader(lead, lease), answer)
    }
}
