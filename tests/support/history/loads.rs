//! Whether somebody loads a key: a read that waits while nobody does waits for nothing.

use super::event::{Event, What};

/// The loads of one key, in all processes.
#[derive(Default)]
pub(super) struct Loads {
    running: u32,
    /// When the last one was over.
    over: u64,
    /// The last lease: its holder may be another process's load, of which there is nothing to see but this.
    lease: Option<Lease>,
}

struct Lease {
    token: u64,
    until: u64,
}

impl Loads {
    pub fn see(&mut self, event: Event) {
        match event.what {
            What::Loading => self.running += 1,
            What::LoadOver => {
                self.running = self.running.saturating_sub(1);
                self.over = event.at;
            }
            What::Leased { token, millis, .. } | What::Renewed { token, millis, .. } => {
                self.lease = Some(Lease { token, until: event.at + u64::from(millis) * 1_000_000 });
            }
            What::GivenUp { token } if self.lease.take_if(|lease| lease.token == token).is_some() => {
                self.over = event.at;
            }
            _ => {}
        }
    }

    /// For how long nobody has loaded it, as far as somebody knows who came at `since`.
    pub fn idle(&self, since: u64, now: u64) -> u64 {
        let leased = self.lease.as_ref().map_or(0, |lease| lease.until);
        if self.running > 0 { 0 } else { now.saturating_sub(since.max(self.over).max(leased)) }
    }
}
