//! How much is read of a queue at a time: as much as the link carries within the deadline of every other operation.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::sleep;

use super::flush::Trouble;
use super::race::{First, race};
use super::tenure::Tenure;
use super::worker::Control;
use crate::store::StoreError;
use crate::store::queues::{Id, Portion, Record};

/// Bytes, at least and at most.
const PORTION: (usize, usize) = (4 << 10, 4 << 20);

/// The bytes that are read at a time.
pub(super) struct Reading {
    bytes: AtomicUsize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { bytes: AtomicUsize::new(256 << 10) }
    }
}

impl Reading {
    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Only where so much has come that it says something of the link.
    fn came(&self, asked: usize, records: &[Record]) {
        let bytes: usize = records.iter().map(|record| record.entry.len()).sum();
        if bytes < asked / 2 {
            return;
        }
        self.bytes.store(asked.saturating_mul(2).min(PORTION.1), Ordering::Relaxed);
    }

    fn was_late(&self, asked: usize) {
        self.bytes.store((asked / 4).max(PORTION.0), Ordering::Relaxed);
    }
}

impl Control {
    /// From there on, once the store gives it. `None`: the shard is lost, or the worker is to stop.
    pub(super) async fn read(&self, tenure: &Tenure, shard: usize, from: Id, count: usize) -> Option<Vec<Record>> {
        let queues = self.store.queues()?;
        let mut trouble = Trouble::default();
        loop {
            let bytes = self.reading.bytes();
            match queues.read(&self.live.names, shard, &tenure.lease, Portion { from, count, bytes }).await {
                Ok(records) => {
                    self.reading.came(bytes, records.as_deref().unwrap_or_default());
                    return records;
                }
                Err(StoreError::Timeout) => self.reading.was_late(bytes),
                Err(_) => {}
            }
            if let First::Right(()) = race(sleep(trouble.pause()), self.abandoned(tenure)).await {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_slow_is_asked_for_less_until_an_answer_comes_in_time() {
        let reading = Reading::default();
        assert_eq!(reading.bytes(), 256 << 10);
        for expected in [64 << 10, 16 << 10, 4 << 10, 4 << 10] {
            reading.was_late(reading.bytes());
            assert_eq!(reading.bytes(), expected);
        }
        let of = |bytes| Record {
            id: Id { millis: 1, number: 0 },
            key: "k".into(),
            entry: vec![0; bytes].into(),
            void: false,
        };
        reading.came(reading.bytes(), &[of(10)]);
        assert_eq!(reading.bytes(), 4 << 10, "that says nothing of the link");
        for _ in 0..20 {
            reading.came(reading.bytes(), &[of(reading.bytes())]);
        }
        assert_eq!(reading.bytes(), 4 << 20);
    }
}
