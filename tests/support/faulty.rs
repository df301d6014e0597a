//! A store around the real one that does one thing wrong, or one thing late. Each wrong thing is a rule of the protocol
//! left out; whoever checks histories must notice.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cached_runtime::store::{
    Acquired, Ask, Bytes, Condition, Filling, Listener, Observed, Placeholder, Repair, Reply, Stamp, Store, StoreError,
    Tracked,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

/// What a store that is always told how long makes of a lease without an end.
const AGES: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What is wrong.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "every test binary uses its own part")]
pub enum Fault {
    /// A fill writes its value whatever the key holds by now: the stale set that leases are there to prevent.
    UnconditionalFill,
    /// A fill also writes where there is nothing: so an invalidation ends no load.
    FillWhereNothingIs,
    /// A release deletes whatever the key holds: somebody else's lease too.
    ReleaseWithoutToken,
    /// A renewal puts a lease back that is gone.
    RenewalRecreates,
    /// A lease is set first, and told when to end next.
    ExpirySetSeparately,
    /// All leases of one process look alike.
    TokenPerProcess,
    /// An acquisition is executed again and again, with the same token, as by a client that tries 16 times.
    AcquisitionRepeats,
    /// An invalidation removes values only.
    InvalidationSparesLeases,
    /// A refresh stores its value whatever the key holds by then.
    RefillWithoutCompare,
    /// A written value is stored without a marker before it.
    WriteWithoutMarker,
    /// A take-over replaces whatever the key holds by now.
    TakeOverWithoutCompare,
    /// A written value is stored whatever became of its marker.
    WriteEndWithoutCompare,
    /// A writer that does not find its marker leaves what is there.
    WriteEndSparesOthers,
    /// Every other marker comes late. Whoever set it is told so; or, if `unheard`, goes on as if it had been answered.
    MarkersComeLate { unheard: bool },
    /// A stamp that is gone comes back as it was, as a counter that starts again does.
    StampsRepeat,
    /// Where a tag's stamp is gone the one that the value carries counts.
    MissingStampsMatch,
    /// To clear is to delete the epoch, and to wait for nobody.
    ClearWithoutWait,
    /// Whoever waits for a lease hears of its end only with a permit, and then reads what the key holds by then, as a
    /// process does whose turn on the processor comes late.
    HearsLate(Arc<Semaphore>),
    /// The answer to a fill takes this long.
    FillsAreAnsweredLate(Duration),
    /// Whoever waits for a lease hears of its end so much later.
    WakesLate(Duration),
    /// Every other answer that says what the epoch is takes this long.
    EpochsAreAnsweredLate(Duration),
}

/// The real store, but for its fault.
#[derive(Debug)]
pub struct Faulty {
    store: Arc<dyn Store>,
    fault: Fault,
    /// Counts where every other command is meant.
    turns: AtomicU64,
}

impl Faulty {
    /// For `Builder::wrap_store`.
    pub fn wrap(fault: Fault) -> impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static {
        move |store| Arc::new(Self { store, fault: fault.clone(), turns: AtomicU64::new(0) })
    }

    /// The placeholder as the store sees it: 2 bytes, 8 of the process, 8 that count.
    fn seen(&self, placeholder: &Placeholder) -> Placeholder {
        let mut seen = *placeholder;
        if matches!(self.fault, Fault::TokenPerProcess) {
            seen[10..].fill(0);
        }
        seen
    }

    fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Whatever the key holds by now gives way to the lease.
    async fn seize(&self, key: &str, lease: &Placeholder, px: Duration) -> Result<bool, StoreError> {
        for _ in 0..16 {
            let taken = match self.store.get(key).await? {
                Some(held) => {
                    self.store.takeover(key, Observed::Prefix(&held[..held.len().min(18)]), lease, px).await?
                }
                None => self.store.acquire(key, lease, px, &[]).await?.held.is_none(),
            };
            if taken {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The value that the key holds, with the stamps that it carries where they are gone.
    async fn matching(&self, key: &str, asks: &[Ask]) -> Result<Option<Acquired>, StoreError> {
        let Some(held) = self.store.get(key).await?.filter(|held| !leased(held)) else { return Ok(None) };
        let (mut stamps, mut missing) = (Vec::new(), false);
        for ask in asks {
            let carried = match self.store.get(&ask.key).await? {
                Some(_) => None,
                None => carried(&held, &ask.key),
            };
            missing |= carried.is_some();
            stamps.push(match carried {
                Some(stamp) => Some(stamp),
                None => self.store.stamps(std::slice::from_ref(ask)).await?.pop().flatten(),
            });
        }
        Ok(missing.then_some(Acquired { held: Some(held), stamps }))
    }

    async fn holds(&self, key: &str, placeholder: &Placeholder) -> Result<bool, StoreError> {
        Ok(self.store.get(key).await?.is_some_and(|held| held.starts_with(placeholder)))
    }
}

/// Whether these are the bytes of somebody's lease.
fn leased(held: &[u8]) -> bool {
    matches!(held, [0xC5, b'L' | b'R', ..])
}

/// The stamp that a value carries for this tag: it follows the tag's key.
fn carried(held: &[u8], tag: &str) -> Option<Stamp> {
    let named = held.windows(tag.len()).position(|name| name == tag.as_bytes())?;
    held[named + tag.len()..].first_chunk().map(|stamp| Stamp::from_le_bytes(*stamp))
}

impl Store for Faulty {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        let lease = self.seen(lease);
        let mut asks = asks.to_vec();
        if matches!(self.fault, Fault::StampsRepeat) {
            asks.iter_mut().for_each(|ask| ask.fresh = 1);
        }
        Box::pin(async move {
            if matches!(self.fault, Fault::MissingStampsMatch)
                && let Some(matching) = self.matching(key, &asks).await?
            {
                return Ok(matching);
            }
            if matches!(self.fault, Fault::ExpirySetSeparately) {
                let acquired = self.store.acquire(key, &lease, AGES, &asks).await?;
                if acquired.held.is_none() {
                    self.store.renew(key, &lease, px).await?;
                }
                return Ok(acquired);
            }
            let acquired = self.store.acquire(key, &lease, px, &asks).await?;
            if let Fault::EpochsAreAnsweredLate(late) = self.fault
                && asks.iter().any(|ask| ask.key.ends_with("%epoch"))
                && !self.turn().is_multiple_of(2)
            {
                sleep(late).await;
            }
            if matches!(self.fault, Fault::AcquisitionRepeats) && acquired.held.is_none() {
                let (store, key) = (Arc::clone(&self.store), key.to_owned());
                tokio::spawn(async move {
                    for _ in 0..16 {
                        sleep(Duration::from_millis(4)).await;
                        let _nobody_asks = store.acquire(&key, &lease, px, &[]).await;
                    }
                });
            }
            Ok(acquired)
        })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        self.store.get(key)
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        self.store.stamps(asks)
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        let seen = self.seen(lease);
        Box::pin(async move {
            match self.fault {
                Fault::UnconditionalFill => self.store.put(key, filling).await.map(|()| true),
                Fault::FillWhereNothingIs => {
                    if self.store.fill(key, &seen, filling).await? {
                        return Ok(true);
                    }
                    let again = self.store.acquire(key, &seen, Duration::from_millis(40), &[]).await?;
                    Ok(again.held.is_none() && self.store.fill(key, &seen, filling).await?)
                }
                Fault::FillsAreAnsweredLate(late) => {
                    let filled = self.store.fill(key, &seen, filling).await;
                    sleep(late).await;
                    filled
                }
                _ => self.store.fill(key, &seen, filling).await,
            }
        })
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        let seen = self.seen(lease);
        Box::pin(async move {
            if matches!(self.fault, Fault::ReleaseWithoutToken) {
                return self.store.delete(&[key.into()]).await.map(|()| true);
            }
            self.store.release(key, &seen, marker).await
        })
    }

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        let seen = self.seen(held);
        Box::pin(async move {
            let renewed = self.store.renew(key, &seen, px).await?;
            if !renewed && matches!(self.fault, Fault::RenewalRecreates) {
                return Ok(self.store.acquire(key, &seen, px, &[]).await?.held.is_none());
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
        let seen = self.seen(lease);
        Box::pin(async move {
            match self.fault {
                Fault::TakeOverWithoutCompare => self.seize(key, &seen, px).await,
                _ => self.store.takeover(key, observed, &seen, px).await,
            }
        })
    }

    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(async move {
            match self.fault {
                Fault::RefillWithoutCompare => self.store.put(key, filling).await.map(|()| true),
                _ => self.store.refill(key, replaces, filling).await,
            }
        })
    }

    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>> {
        match self.fault {
            Fault::WriteWithoutMarker => self.store.stamps(asks),
            Fault::MarkersComeLate { unheard } => {
                let turn = self.turn();
                if turn.is_multiple_of(2) {
                    return self.store.write_begin(keys, marker, px, asks);
                }
                let (store, keys, marker) = (Arc::clone(&self.store), keys.to_vec(), *marker);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(turn % 8)).await;
                    let _nobody_asks = store.write_begin(&keys, &marker, px, &[]).await;
                });
                if unheard { self.store.stamps(asks) } else { Box::pin(ready(Err(StoreError::Timeout))) }
            }
            _ => self.store.write_begin(keys, marker, px, asks),
        }
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(async move {
            match self.fault {
                Fault::WriteWithoutMarker | Fault::WriteEndWithoutCompare => {
                    self.store.put(key, filling).await.map(|()| true)
                }
                Fault::WriteEndSparesOthers if !self.holds(key, marker).await? => Ok(false),
                _ => self.store.write_end(key, marker, filling).await,
            }
        })
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        self.store.put(key, filling)
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        Box::pin(async move {
            if !matches!(self.fault, Fault::InvalidationSparesLeases) {
                return self.store.delete(keys).await;
            }
            let mut unleased = Vec::new();
            for key in keys {
                if !self.store.get(key).await?.is_some_and(|held| leased(&held)) {
                    unleased.push(Arc::clone(key));
                }
            }
            if unleased.is_empty() { Ok(()) } else { self.store.delete(&unleased).await }
        })
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        match &self.fault {
            Fault::HearsLate(permits) => Box::pin(async move {
                self.store.wait(key, lease, until, before_read).await?;
                permits.acquire().await.expect("never closed").forget();
                before_read();
                self.store.get(key).await
            }),
            Fault::WakesLate(late) => Box::pin(async move {
                self.store.wait(key, lease, until, before_read).await?;
                sleep(*late).await;
                before_read();
                self.store.get(key).await
            }),
            _ => self.store.wait(key, lease, until, before_read),
        }
    }

    fn track<'s>(&'s self, keys: &'s [Arc<str>], listener: &'s Arc<dyn Listener>) -> Reply<'s, Vec<Option<Tracked>>> {
        self.store.track(keys, listener)
    }

    fn shared(&self) -> bool {
        !matches!(self.fault, Fault::ClearWithoutWait) && self.store.shared()
    }

    fn condition(&self) -> Condition {
        self.store.condition()
    }

    fn times_opened(&self) -> u64 {
        self.store.times_opened()
    }

    fn repaired_by(&self, repair: Arc<dyn Repair>) {
        self.store.repaired_by(repair);
    }
}
