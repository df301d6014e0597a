//! An offence, told by the few events that make it one.

use std::collections::VecDeque;
use std::fmt;

use super::event::{Event, What};

/// What must not have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// A read returned an older version than the one whose write was over before it began.
    Stale { began: Event, missed: Event },
    /// A read returned what nobody had committed for that key.
    FromNowhere { began: Event },
    /// A lease was given while this one was held.
    TwoLeases { first: u64 },
    /// What a key holds does not end by itself, as it must whoever dies.
    Endless,
    /// A read waited, and nobody loaded that it could have waited for.
    Forgotten { began: Event },
}

/// One word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Stale,
    FromNowhere,
    TwoLeases,
    Endless,
    Forgotten,
}

impl Offence {
    pub fn kind(self) -> Kind {
        match self {
            Self::Stale { .. } => Kind::Stale,
            Self::FromNowhere { .. } => Kind::FromNowhere,
            Self::TwoLeases { .. } => Kind::TwoLeases,
            Self::Endless => Kind::Endless,
            Self::Forgotten { .. } => Kind::Forgotten,
        }
    }
}

/// The events of one key that led to an offence, in order; the last is the offence.
#[derive(Clone, Debug)]
pub struct Story {
    offence: Offence,
    events: Vec<Event>,
}

impl Story {
    /// Picks them from the key's past.
    pub(super) fn of(offence: Offence, last: Event, past: &VecDeque<Event>) -> Self {
        let mut events = match offence {
            Offence::Stale { began, missed } => stale(began, missed, last, past),
            Offence::FromNowhere { began } => vec![began],
            Offence::TwoLeases { first } => two_leases(first, past),
            Offence::Endless => put_there(past),
            Offence::Forgotten { began } => forgotten(began, past),
        };
        events.push(last);
        events.sort_by_key(|event| event.at);
        Self { offence, events }
    }

    /// Fewer events are a shorter story; of as many, those that took less time.
    pub(super) fn length(&self) -> (usize, u64) {
        let first = self.events.first().map_or(0, |event| event.at);
        (self.events.len(), self.events.last().map_or(0, |event| event.at - first))
    }

    pub fn kind(&self) -> Kind {
        self.offence.kind()
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// The load that read the old version, the lease it ran under, the write that it should not have survived, and the fill
/// that put the old version back.
fn stale(began: Event, missed: Event, last: Event, past: &VecDeque<Event>) -> Vec<Event> {
    let What::ReadEnded { version, .. } = last.what else { return vec![began] };
    let mut events = vec![missed, began];
    let writer = (missed.process, missed.task);
    let by_writer = |event: &&Event| (event.process, event.task) == writer && event.at < missed.at;
    events.extend(past.iter().rev().find(|event| event.what == What::CommitBegan && by_writer(event)));
    let stored = past.iter().rev().find_map(|event| match event.what {
        What::Stored { version: stored, token } if stored == version => Some((*event, Some(token))),
        What::Refilled { version: stored } if stored == version => Some((*event, None)),
        _ => None,
    });
    // A load of that version by the process that stored it, else by the reader's, else by anybody.
    let loaded = |by: Option<Event>| {
        past.iter().rev().find(|event| {
            event.what == What::Loaded { version }
                && by.is_none_or(|by| by.process == event.process && event.at < by.at)
        })
    };
    let by_storer = stored.and_then(|(event, _)| loaded(Some(event)));
    events.extend(by_storer.or_else(|| loaded(Some(last))).or_else(|| loaded(None)));
    if let Some((stored, token)) = stored {
        events.push(stored);
        events.extend(past.iter().filter(|event| match event.what {
            What::Leased { token: leased, .. } => Some(leased) == token,
            What::Renewed { token: renewed, .. } => Some(renewed) == token && event.at > missed.at,
            _ => false,
        }));
    }
    events
}

/// Whatever happened to the key's leases since the first was given.
fn two_leases(first: u64, past: &VecDeque<Event>) -> Vec<Event> {
    let given = past.iter().rposition(|event| matches!(event.what, What::Leased { token, .. } if token == first));
    let given = given.unwrap_or(past.len());
    // Somebody else's release that was on its way by then may be the cause.
    let released =
        past.iter().take(given).rev().find(|event| matches!(event.what, What::GivenUp { token } if token != first));
    let since = past.iter().skip(given);
    let of_leases = |event: &&Event| {
        matches!(event.what, What::Leased { .. } | What::GivenUp { .. })
            || matches!(event.what, What::Renewed { token, .. } if token == first)
    };
    released.into_iter().chain(since.filter(of_leases)).copied().collect()
}

/// Whatever was put there last.
fn put_there(past: &VecDeque<Event>) -> Vec<Event> {
    let puts = |event: &&Event| {
        matches!(event.what, What::Leased { .. } | What::Stored { .. } | What::Refilled { .. } | What::Cleared)
    };
    past.iter().rev().find(puts).copied().into_iter().collect()
}

/// The last load that was over, and whose it was.
fn forgotten(began: Event, past: &VecDeque<Event>) -> Vec<Event> {
    let mut events = vec![began];
    let over = past.iter().rev().find(|event| event.what == What::LoadOver);
    let its = |event: &&Event| over.is_some_and(|over| (over.process, over.task) == (event.process, event.task));
    events.extend(past.iter().rev().filter(its).find(|event| event.what == What::Loading));
    events.extend(over);
    events
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.events.first().map_or(0, |event| event.key);
        let title = match self.kind() {
            Kind::Stale => "a stale read",
            Kind::FromNowhere => "a read of what was never committed",
            Kind::TwoLeases => "a lease given while another was held",
            Kind::Endless => "something that does not end by itself",
            Kind::Forgotten => "a read that waited for nobody",
        };
        writeln!(f, "{title}, key {key} (microseconds, process.task):")?;
        let origin = self.events.first().map_or(0, |event| event.at);
        for event in &self.events {
            let after = (event.at - origin) / 1_000;
            writeln!(f, "{after:>9} {:>3}.{:<4} {}", event.process, event.task, event.what)?;
        }
        Ok(())
    }
}
