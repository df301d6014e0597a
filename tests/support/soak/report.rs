//! The table, and which promises broke.

use std::fmt;
use std::time::Duration;

use super::fleet::Outcome;
use super::process::Figures;

const MEBIBYTE: u64 = 1 << 20;

/// More than this, of one process, is a leak: a few rows take no memory.
const GROWTH: u64 = 64 * MEBIBYTE;

/// An outcome with the bounds that it is held against.
pub struct Report<'o> {
    pub outcome: &'o Outcome,
    /// No call takes longer. The longest that is promised is a wait for another process (2 s), a second for one's turn to
    /// load, the load (90 ms) and a few deadlines.
    pub longest: Duration,
}

impl Report<'_> {
    fn sum(&self, of: impl Fn(&Figures) -> u64) -> u64 {
        self.outcome.figures.iter().map(of).sum()
    }

    fn largest(&self, of: impl Fn(&Figures) -> u64) -> u64 {
        self.outcome.figures.iter().map(of).max().unwrap_or_default()
    }

    fn longest(&self) -> Duration {
        Duration::from_micros(self.largest(|it| it.longest_us))
    }

    /// What broke, in words; nothing if all is well.
    pub fn broken(&self) -> Vec<String> {
        let Outcome { verdict, leftover, faults, .. } = self.outcome;
        let mut broken = Vec::new();
        let mut expect = |holds: bool, otherwise: String| {
            if !holds {
                broken.push(otherwise);
            }
        };
        let errors = self.sum(|it| it.errors);
        expect(errors == 0, format!("{errors} calls failed though no body did"));
        expect(verdict.counts.stale == 0, format!("{} stale reads", verdict.counts.stale));
        expect(
            verdict.betrayed == 0,
            format!(
                "{} reads older than a write of their own process, whose invalidation was queued",
                verdict.betrayed
            ),
        );
        let from_nowhere = verdict.counts.from_nowhere;
        expect(from_nowhere == 0, format!("{from_nowhere} reads of what was never committed"));
        if let Some(story) = &verdict.story {
            expect(false, story.clone());
        }
        let (hits, calls) = (self.sum(|it| it.quiet_hits), self.sum(|it| it.quiet_calls));
        expect(hits * 2 > calls, format!("{hits} hits in {calls} calls without faults: not over half"));
        expect(self.longest() <= self.longest, format!("a call took {:?}, over {:?}", self.longest(), self.longest));
        let eternal = &leftover.eternal;
        expect(eternal.is_empty(), format!("{} keys without an expiry: {eternal:?}", eternal.len()));
        let flights = self.sum(|it| it.flights_left as u64);
        expect(flights == 0, format!("{flights} loads are still remembered though all calls have ended"));
        let queued = self.sum(|it| (it.queued_left + it.undelivered) as u64);
        expect(queued == 0, format!("{queued} invalidations are still queued though the server is well"));
        let growth = self.largest(|it| it.memory_at_last.saturating_sub(it.memory_at_first));
        expect(growth < GROWTH, format!("a process has grown by {} MiB", growth / MEBIBYTE));
        // A soak in which nothing happens proves nothing.
        expect(*faults > 0, "no fault was made".to_owned());
        expect(verdict.counts.invalidations > 0, "nothing was written".to_owned());
        expect(self.sum(|it| it.opened) > 0, "no breaker has opened: the faults did not bite".to_owned());
        expect(leftover.samples > 0 && leftover.seen > 0, "no key was ever looked at".to_owned());
        broken
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { verdict, leftover, faults, figures } = self.outcome;
        let (hits, calls) = (self.sum(|it| it.quiet_hits), self.sum(|it| it.quiet_calls));
        let memory = |of: fn(&Figures) -> u64| {
            let each: Vec<_> = figures.iter().map(|it| format!("{}", of(it) / MEBIBYTE)).collect();
            format!("{} MiB", each.join(", "))
        };
        let rows: [(&str, String); 17] = [
            ("faults", faults.to_string()),
            ("calls: reads", self.sum(|it| it.reads).to_string()),
            ("calls: writes", self.sum(|it| it.writes).to_string()),
            ("  of which cancelled", self.sum(|it| it.cancelled).to_string()),
            ("errors returned to callers", self.sum(|it| it.errors).to_string()),
            ("stale reads", verdict.counts.stale.to_string()),
            ("  own process, invalidation queued", verdict.betrayed.to_string()),
            ("  other process, invalidation queued *", format!("{} ({} queued)", verdict.behind, verdict.queued)),
            ("hits without faults", format!("{hits} of {calls} ({} %)", hits * 100 / calls.max(1))),
            ("longest wait", format!("{:.1?}", self.longest())),
            ("loads", self.sum(|it| it.loads).to_string()),
            ("  over the bound of those without cache", self.sum(|it| it.over_bound).to_string()),
            ("late fills rejected", self.sum(|it| it.late_fills).to_string()),
            ("breakers opened", self.sum(|it| it.opened).to_string()),
            (
                "memory of each process",
                format!(
                    "{} after the first phase, {} at the end",
                    memory(|it| it.memory_at_first),
                    memory(|it| it.memory_at_last)
                ),
            ),
            (
                "left in the caches' maps",
                format!(
                    "{} loads, {} queued, {} kept for replay",
                    self.sum(|it| it.flights_left as u64),
                    self.sum(|it| it.queued_left as u64),
                    self.sum(|it| it.replayed_left as u64)
                ),
            ),
            (
                "keys without an expiry",
                format!("{} ({} looked at in {} samples)", leftover.eternal.len(), leftover.seen, leftover.samples),
            ),
        ];
        for (name, figure) in rows {
            writeln!(f, "{name:<40} {figure}")?;
        }
        writeln!(f, "* not promised: the server could not be told, and those processes do not know")
    }
}
