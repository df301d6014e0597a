//! The rules of the protocol, each named by what somebody does who leaves it out.
#![allow(dead_code, reason = "every test binary uses its own part")]

macro_rules! mutations {
    ($($(#[$doc:meta])* $mutation:ident,)*) => {
        /// One rule less.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($(#[$doc])* $mutation,)*
        }

        impl Mutation {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$mutation,)*];
        }
    };
}

mutations! {
    /// A fill stores its value over whatever the key holds.
    UnconditionalFill,
    /// A fill stores its value where the key holds nothing, too.
    FillIfAbsent,
    /// An invalidation removes a value and leaves a lease, as it does where locks have keys of their own.
    InvalidateValueOnly,
    /// A release removes whatever lease is there.
    ReleaseWithoutToken,
    /// All acquisitions of a process carry one token.
    TokenPerProcess,
    /// The client sends an acquisition again that was not answered: the first may still arrive.
    RetriedAcquire,
    /// A renewal puts its lease where the key holds nothing.
    RenewalRecreates,
    /// The lease is one command, its expiry the next.
    ExpirySetSeparately,
    /// A take-over does not compare what it replaces with what was seen.
    TakeOverWithoutCompare,
    /// A refresh stores its value over whatever the key holds.
    RefillWithoutCompare,

    /// Whoever joins a load before its fill was sent shares its result, be the fill accepted or not.
    BlindAdoption,
    /// Whoever joins between a fill and its answer shares the result, too.
    AdoptAfterSeal,
    /// Whoever joins a load with a tag shares its result once the fill was accepted.
    AdoptTagged,
    /// Whoever joins a load shares its result once the fill was accepted, whatever has been cleared since.
    AdoptCleared,
    /// What was found after waiting for another process is shared without asking whether the epoch still stands.
    ShareUnasked,
    /// Another process's `None` is adopted although it has a tag.
    AdoptTaggedAbsence,
    /// Another process's `None` is adopted although its epoch is not that of the waiter.
    AdoptClearedAbsence,
    /// The caller of a load goes away, and nobody tells those who wait for its result.
    FollowersForgotten,

    /// The invalidation comes first, the commit second.
    InvalidateBeforeCommit,
    /// Write-through without a marker: commit, then store.
    PutWithoutMarker,
    /// A write-through that does not find its marker leaves the key alone.
    MarkerKeptOnMismatch,
    /// A write-through stores its value whether its marker is there or not.
    WriteEndWithoutCompare,
    /// A write-through stores its value although nobody has said that its marker was set.
    WriteEndUnanswered,

    /// A tag's stamp is read when the value is stored, not before it is loaded.
    TagVersionAfterLoad,
    /// A missing stamp is made anew by counting from the beginning.
    TagCounterRestarts,
    /// A missing stamp goes with every value.
    MissingTagMatches,
    /// A clear is complete when the epoch was deleted.
    ClearWithoutWait,
    /// An epoch's lease runs from when the answer came, not from when the question was sent.
    EpochTimedFromAnswer,
}
