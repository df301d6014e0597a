//! A store that writes down what the store underneath says about leases and values.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::store::{
    Acquired, Ask, Bytes, Condition, End, Ending, Filling, Listener, Many, Observed, Placeholder, Repair, Reply, Stamp,
    Store, StoreError, Tracked,
};
use tokio::time::Instant;

use super::acknowledged::heard;
use super::event::What;
use super::log::Log;
use super::rows::Row;

/// Between the runtime and its store.
#[derive(Debug)]
pub struct Recorder {
    store: Arc<dyn Store>,
    log: Log,
}

impl Recorder {
    /// For `Builder::wrap_store`.
    pub fn wrap(log: Log) -> impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static {
        move |store| Arc::new(Self { store, log: log.clone() })
    }

    fn note(&self, key: &str, what: What) {
        if let Some(key) = Row::number(key) {
            self.log.add(0, key, what);
        }
    }

    fn note_stored(&self, key: &str, filling: &Filling, placeholder: &Placeholder) {
        if let Some(version) = Row::version_in(&filling.value) {
            self.note(key, What::Stored { version, token: name(placeholder) });
        }
    }

    /// Runs an operation that ends whatever leases there are.
    async fn clearing<T>(&self, keys: &[Arc<str>], run: Reply<'_, T>) -> Result<T, StoreError> {
        let mut clearing = Clearing { recorder: self, keys, what: What::Clearing };
        clearing.note();
        // Said on drop too: the caller may go away while the command is on its way.
        clearing.what = What::PerhapsCleared;
        let answer = run.await;
        if answer.is_ok() {
            clearing.what = What::Cleared;
        }
        answer
    }
}

struct Clearing<'r> {
    recorder: &'r Recorder,
    keys: &'r [Arc<str>],
    what: What,
}

impl Clearing<'_> {
    fn note(&self) {
        // In an order that the next run has too, whatever map they come from.
        let mut numbers: Vec<u8> = self.keys.iter().filter_map(|key| Row::number(key)).collect();
        numbers.sort_unstable();
        numbers.into_iter().for_each(|key| self.recorder.log.add(0, key, self.what));
    }
}

impl Drop for Clearing<'_> {
    fn drop(&mut self) {
        self.note();
    }
}

/// What the store deletes by itself, when it is used again.
#[derive(Debug)]
struct Overheard {
    repair: Arc<dyn Repair>,
    log: Log,
}

impl Repair for Overheard {
    fn outstanding(&self, replaced: bool) -> Vec<(Arc<str>, u64)> {
        let outstanding = self.repair.outstanding(replaced);
        let mut numbers: Vec<u8> = outstanding.iter().filter_map(|(key, _)| Row::number(key)).collect();
        numbers.sort_unstable();
        for key in numbers {
            // Soon, if at all.
            self.log.add(0, key, What::Clearing);
            self.log.add(0, key, What::PerhapsCleared);
        }
        outstanding
    }

    fn delivered(&self, keys: &[(Arc<str>, u64)]) {
        self.repair.delivered(keys);
    }
}

/// A short name for a lease.
fn name(lease: &Placeholder) -> u64 {
    let (process, counter) = lease[2..].split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number(process).rotate_left(32) ^ number(counter).swap_bytes()
}

/// A lease counts for as long as this can say.
fn millis(px: Duration) -> u16 {
    u16::try_from(px.as_millis()).unwrap_or(u16::MAX)
}

impl Store for Recorder {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        Box::pin(async move {
            let asked = self.log.now();
            let acquired = self.store.acquire(key, lease, px, asks).await?;
            if acquired.held.is_none() {
                self.note(key, What::Leased { token: name(lease), asked, millis: millis(px) });
            }
            Ok(acquired)
        })
    }

    fn acquire_many<'s>(
        &'s self,
        keys: &'s [(Arc<str>, Placeholder)],
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Many<Option<Bytes>>> {
        Box::pin(async move {
            let asked = self.log.now();
            let (answers, stamps) = self.store.acquire_many(keys, px, asks).await?;
            for ((key, lease), answer) in keys.iter().zip(&answers) {
                if *answer == Ok(None) {
                    self.note(key, What::Leased { token: name(lease), asked, millis: millis(px) });
                }
            }
            Ok((answers, stamps))
        })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        self.store.get(key)
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        self.store.stamps(asks)
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(async move {
            self.note(key, What::GivenUp { token: name(lease) });
            let filled = self.store.fill(key, lease, filling).await?;
            if filled {
                self.note_stored(key, filling, lease);
            }
            Ok(filled)
        })
    }

    fn end_many<'s>(&'s self, endings: &'s [Ending]) -> Reply<'s, Vec<Result<bool, StoreError>>> {
        Box::pin(async move {
            for Ending { key, lease, .. } in endings {
                self.note(key, What::GivenUp { token: name(lease) });
            }
            let answers = self.store.end_many(endings).await?;
            for (Ending { key, lease, how }, answer) in endings.iter().zip(&answers) {
                if let (End::Fill(filling), Ok(true)) = (how, answer) {
                    self.note_stored(key, filling, lease);
                }
            }
            Ok(answers)
        })
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        Box::pin(async move {
            self.note(key, What::GivenUp { token: name(lease) });
            self.store.release(key, lease, marker).await
        })
    }

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        Box::pin(async move {
            let asked = self.log.now();
            let renewed = self.store.renew(key, held, px).await?;
            if renewed {
                self.note(key, What::Renewed { token: name(held), asked, millis: millis(px) });
            }
            Ok(renewed)
        })
    }

    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool> {
        Box::pin(async move {
            let asked = self.log.now();
            let taken = self.store.takeover(key, observed, lease, px).await?;
            if taken {
                self.note(key, What::Leased { token: name(lease), asked, millis: millis(px) });
            }
            Ok(taken)
        })
    }

    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(async move {
            let refilled = self.store.refill(key, replaces, filling).await?;
            if let (true, Some(version)) = (refilled, Row::version_in(&filling.value)) {
                self.note(key, What::Refilled { version });
            }
            Ok(refilled)
        })
    }

    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>> {
        Box::pin(self.clearing(keys, self.store.write_begin(keys, marker, px, asks)))
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(async move {
            let answer = self.clearing(&[key.into()], self.store.write_end(key, marker, filling)).await;
            heard(answer.is_ok());
            if answer == Ok(true) {
                self.note_stored(key, filling, marker);
            }
            answer
        })
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        Box::pin(async move { self.clearing(&[key.into()], self.store.put(key, filling)).await })
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        Box::pin(async move {
            let answer = self.clearing(keys, self.store.delete(keys)).await;
            heard(answer.is_ok());
            answer
        })
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        self.store.wait(key, lease, until, before_read)
    }

    fn track<'s>(&'s self, keys: &'s [Arc<str>], listener: &'s Arc<dyn Listener>) -> Reply<'s, Vec<Option<Tracked>>> {
        self.store.track(keys, listener)
    }

    fn shared(&self) -> bool {
        self.store.shared()
    }

    fn condition(&self) -> Condition {
        self.store.condition()
    }

    fn times_opened(&self) -> u64 {
        self.store.times_opened()
    }

    fn repaired_by(&self, repair: Arc<dyn Repair>) {
        self.store.repaired_by(Arc::new(Overheard { repair, log: self.log.clone() }));
    }
}
