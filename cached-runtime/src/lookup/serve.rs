//! What a call returns without a load of its own, and what those get who followed it meanwhile.

use crate::answer::Answer;
use crate::call::Context;
use crate::codec::Codec;
use crate::entry::{Holds, Stored};
use crate::flight::{Lead, Outcome, Shared};
use crate::form::Form;
use crate::slot::{Found, Role, Slot};

impl Context {
    /// Whoever followed this call while it waited gets what it found. A remembered error they find themselves.
    pub(super) fn share(&self, lead: Option<Lead>, stored: &Stored) {
        if let Some(lead) = lead.filter(|_| stored.header.holds != Holds::Failure) {
            let Stored { header, payload, .. } = stored;
            let payload = (header.holds != Holds::Absence).then(|| payload.clone());
            let shared = Shared { form: header.form, version: header.version, payload };
            lead.land(Outcome::Loaded { shared, accepted: None });
        }
    }

    pub(crate) fn serve(self: Box<Self>, stored: Stored) -> Slot {
        let answer = Answer::of_age(stored.header.is_past_ttl());
        Slot::found(self, Found::from(stored), answer)
    }

    /// What was loaded a moment ago; for followers, who came before this look, too.
    pub(crate) fn serve_kept(self: Box<Self>, lead: Option<Lead>, shared: Shared) -> Slot {
        self.counters.outage_hits.add();
        if let Some(lead) = lead {
            lead.land(Outcome::Loaded { shared: shared.clone(), accepted: None });
        }
        let Shared { form, payload, .. } = shared;
        Slot::found(self, Found::Value { form, payload, fill: None }, Answer::Error)
    }

    /// The answer of another process's load that found nothing and stores nothing.
    pub(super) fn serve_absence(self: Box<Self>, lead: Option<Lead>, type_tag: u64) -> Slot {
        self.counters.coalesced.add();
        if let Some(lead) = lead {
            let shared = Shared { form: Form::of(type_tag, Codec::Json), version: self.policy.version, payload: None };
            lead.land(Outcome::Loaded { shared, accepted: None });
        }
        Slot::found(
            self,
            Found::Value { form: Form::of(type_tag, Codec::Json), payload: None, fill: None },
            Answer::Miss,
        )
    }

    /// This call would wait for itself.
    pub(super) fn bypassed(self: Box<Self>) -> Slot {
        Slot::missed(self, Role::Alone, Answer::Bypass)
    }
}
