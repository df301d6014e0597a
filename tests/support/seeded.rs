//! Where each rule of the model is left out of the real code, so that both checkers can be asked whether they notice: the
//! one over a real Redis and the one over a simulated one. A rule more in the model does not compile before it has its
//! place here, and `rules.rs` of both has a test that fails until it is found out.

use std::time::Duration;

use cached_runtime::{Adoption, Stamping};

use crate::faulty::Fault;
use crate::history::story::Kind;
use crate::mutation::Mutation;

/// The real code without a rule.
pub struct Seed {
    pub fault: Option<Fault>,
    pub adoption: Adoption,
    pub stamping: Stamping,
    pub invalidates_before_commit: bool,
    /// What has to happen for it to show, and what the right protocol endures.
    pub amid: Option<Fault>,
    /// What the checker sees.
    pub shows: Kind,
}

impl Seed {
    /// Nothing left out.
    pub const NONE: Self = Self {
        fault: None,
        adoption: Adoption::ByTheRule,
        stamping: Stamping::ByTheRule,
        invalidates_before_commit: false,
        amid: None,
        shows: Kind::Stale,
    };

    /// The right protocol amid the same.
    pub fn put_right(self) -> Self {
        Self { amid: self.amid, ..Self::NONE }
    }

    /// What is put around the store.
    pub fn store(&self) -> Option<&Fault> {
        self.fault.as_ref().or(self.amid.as_ref())
    }
}

/// The seed of a mutation.
pub fn seeded(mutation: Mutation) -> Seed {
    let fault = |fault| Seed { fault: Some(fault), ..Seed::NONE };
    let adoption = |adoption| Seed { adoption, ..Seed::NONE };
    match mutation {
        Mutation::UnconditionalFill => fault(Fault::UnconditionalFill),
        Mutation::FillIfAbsent => fault(Fault::FillWhereNothingIs),
        Mutation::InvalidateValueOnly => fault(Fault::InvalidationSparesLeases),
        // What is loaded under a lease too many is compared at its fill: no read is stale.
        Mutation::ReleaseWithoutToken => Seed { shows: Kind::TwoLeases, ..fault(Fault::ReleaseWithoutToken) },
        Mutation::TokenPerProcess => fault(Fault::TokenPerProcess),
        Mutation::RetriedAcquire => fault(Fault::AcquisitionRepeats),
        Mutation::RenewalRecreates => fault(Fault::RenewalRecreates),
        // Whoever dies in between leaves a lease that nobody ends; what is read is of now all the same.
        Mutation::ExpirySetSeparately => Seed { shows: Kind::Endless, ..fault(Fault::ExpirySetSeparately) },
        Mutation::TakeOverWithoutCompare => Seed { shows: Kind::TwoLeases, ..fault(Fault::TakeOverWithoutCompare) },
        Mutation::RefillWithoutCompare => fault(Fault::RefillWithoutCompare),

        Mutation::BlindAdoption => adoption(Adoption::Blind),
        // An invalidation has to come between a fill and its answer.
        Mutation::AdoptAfterSeal => {
            let amid = Some(Fault::FillsAreAnsweredLate(Duration::from_millis(5)));
            Seed { amid, ..adoption(Adoption::AfterTheFillWasSent) }
        }
        Mutation::AdoptTagged => adoption(Adoption::WithTags),
        Mutation::AdoptCleared => adoption(Adoption::DespiteClears),
        // An invalidation has to come between a fill and the look of whoever waited for it.
        Mutation::ShareUnasked => {
            Seed { amid: Some(Fault::WakesLate(Duration::from_millis(10))), ..adoption(Adoption::Unasked) }
        }
        Mutation::AdoptTaggedAbsence => adoption(Adoption::AbsencesWithTags),
        Mutation::AdoptClearedAbsence => adoption(Adoption::AbsencesDespiteClears),
        // It waits for as long as it may, and then loads: late, but of now.
        Mutation::FollowersForgotten => Seed { shows: Kind::Forgotten, ..adoption(Adoption::Untold) },

        Mutation::InvalidateBeforeCommit => Seed { invalidates_before_commit: true, ..Seed::NONE },
        Mutation::PutWithoutMarker => fault(Fault::WriteWithoutMarker),
        Mutation::MarkerKeptOnMismatch => fault(Fault::WriteEndSparesOthers),
        Mutation::WriteEndWithoutCompare => fault(Fault::WriteEndWithoutCompare),
        Mutation::WriteEndUnanswered => Seed {
            amid: Some(Fault::MarkersComeLate { unheard: false }),
            ..fault(Fault::MarkersComeLate { unheard: true })
        },

        Mutation::TagVersionAfterLoad => Seed { stamping: Stamping::AfterTheLoad, ..Seed::NONE },
        Mutation::TagCounterRestarts => fault(Fault::StampsRepeat),
        Mutation::MissingTagMatches => fault(Fault::MissingStampsMatch),
        Mutation::ClearWithoutWait => fault(Fault::ClearWithoutWait),
        // An answer has to take longer than a clear waits beyond the time for which it may be relied upon.
        Mutation::EpochTimedFromAnswer => Seed {
            stamping: Stamping::FromTheAnswer,
            amid: Some(Fault::EpochsAreAnsweredLate(Duration::from_millis(900))),
            ..Seed::NONE
        },
    }
}
