//! Who holds which lease, as far as the histories of all processes make it certain.

use std::collections::HashMap;
use std::time::Duration;

use super::event::{Event, What};

/// How far a server's clock may be behind in what it makes of a lease, in nanoseconds.
const ROUNDING: u64 = 2_000_000;

/// After this long nobody remembers that a deletion was not answered.
const FORGOTTEN: u64 = 10_000_000_000;

#[derive(Default)]
pub(super) struct Leases {
    keys: HashMap<u8, Key>,
    late: u64,
}

#[derive(Default)]
struct Key {
    holder: Option<Holder>,
    /// Deletions and the like on their way: each may end a lease at any time.
    clearing: u32,
    /// The last one that was answered.
    cleared: u64,
    doubts: Vec<Doubt>,
}

struct Holder {
    token: u64,
    /// It may hold the lease for longer, but not for less.
    until: u64,
}

/// A deletion that was not answered and may still come.
struct Doubt {
    process: u8,
    since: u64,
    /// Its process has had an answer to something that it sent later, on the same connection.
    overtaken: Option<u64>,
}

/// A lease, and whether another was held for certain when it was given.
pub(super) struct Given {
    pub certain: bool,
    pub despite: Option<u64>,
}

impl Leases {
    /// `late`: so long may a deletion be on its way although something sent later was answered.
    pub fn new(late: Duration) -> Self {
        Self { late: nanos(late), keys: HashMap::new() }
    }

    pub fn see(&mut self, event: Event) -> Option<Given> {
        if let What::Leased { asked, .. } | What::Renewed { asked, .. } = event.what {
            self.answered(event, asked);
        }
        let key = self.keys.entry(event.key).or_default();
        match event.what {
            What::Leased { token, asked, millis } => {
                let until = lasts(asked, millis);
                // A deletion that was answered since may have come after the lease, though its answer came before.
                let undisturbed = key.clearing == 0 && key.cleared <= asked && !key.doubtful(asked, self.late);
                let certain = undisturbed && until > event.at;
                let first = key.holder.take().filter(|first| certain && first.until > event.at);
                key.holder = certain.then_some(Holder { token, until });
                return Some(Given { certain, despite: first.map(|first| first.token) });
            }
            What::Renewed { token, asked, millis } => {
                if let Some(holder) = key.holder.as_mut().filter(|holder| holder.token == token) {
                    holder.until = holder.until.max(lasts(asked, millis));
                }
            }
            What::GivenUp { token } => drop(key.holder.take_if(|holder| holder.token == token)),
            What::Clearing => {
                key.clearing += 1;
                key.holder = None;
            }
            What::Cleared => {
                key.clearing = key.clearing.saturating_sub(1);
                key.cleared = event.at;
            }
            What::PerhapsCleared => {
                key.clearing = key.clearing.saturating_sub(1);
                key.doubts.push(Doubt { process: event.process, since: event.at, overtaken: None });
            }
            _ => {}
        }
        None
    }

    /// A process has had an answer to what it asked then: whatever it sent before has arrived, or will very soon.
    fn answered(&mut self, event: Event, asked: u64) {
        for key in self.keys.values_mut() {
            key.doubts.retain(|doubt| doubt.since + FORGOTTEN > event.at);
            for doubt in &mut key.doubts {
                if doubt.process == event.process && doubt.since < asked {
                    doubt.overtaken.get_or_insert(event.at);
                }
            }
        }
    }
}

impl Key {
    /// Whether a lease that was asked for then may be ended by what was not answered.
    fn doubtful(&self, asked: u64, late: u64) -> bool {
        self.doubts.iter().any(|doubt| doubt.overtaken.is_none_or(|at| at.max(doubt.since + late) > asked))
    }
}

/// Until when a lease lasts at least.
fn lasts(asked: u64, millis: u16) -> u64 {
    (asked + u64::from(millis) * 1_000_000).saturating_sub(ROUNDING)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}
