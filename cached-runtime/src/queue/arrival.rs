//! A call's values on their way into the queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::Queue;
use super::live::Live;
use super::overtaking::Overtaking;
use super::through::Through;
use crate::background::InRuntime;
use crate::cache::{Cache, Inner};
use crate::clock::Millis;
use crate::codec::{self, CacheValue, Outermost};
use crate::entry::{self, Header, Holds};
use crate::event;
use crate::form::Form;
use crate::freshness::Life;
use crate::key::Key;
use crate::policy::Ttl;
use crate::site::Site;
use crate::stamp::Stamps;
use crate::store::queues::{Arrival, Arrivals, Arrived};
use crate::store::{Filling, Placeholder, Store, StoreError};
use crate::token::Token;

/// From one look at a queue that has to take something else first to the next.
const LATER: Duration = Duration::from_millis(5);

/// For so long a call that is not answered is sent again, unless the store is given up before.
const AGAIN: Duration = Duration::from_secs(2);

/// One value of a call.
pub struct Item {
    /// As readers name it.
    pub(crate) key: Key,
    pub(crate) tags: Vec<Key>,
    pub(crate) form: Form,
    /// Its own time to live, in place of the function's.
    pub(crate) ttl: Option<Duration>,
    pub(crate) payload: Bytes,
}

impl Item {
    /// This value, where its codec gives it back.
    pub fn of<V: CacheValue>(key: Key, cache: &Cache, value: &V) -> Option<Self> {
        let codec = cache.inner().encoding.codec;
        let payload = codec::encode(codec, value, Outermost::Kept)?.into();
        Some(Self { key, tags: Vec::new(), form: Form::of(codec::type_tag::<V>(), codec), ttl: None, payload })
    }
}

/// No key and no payload: they may be about people.
impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Item").field("form", &self.form).finish_non_exhaustive()
    }
}

/// What became of a call.
#[derive(Debug)]
pub enum Accepted {
    /// All of its values are in the cache and in the queue.
    Queued,
    /// The queue is full, and the function wants to hear of that. Nothing was done.
    Full,
    /// The caller writes them itself.
    Through(Through),
}

/// A call that is ready to be sent.
struct Call {
    site: &'static Site,
    cache: Arc<Inner>,
    store: Arc<dyn Store>,
    keys: Vec<Arc<str>>,
}

impl Queue {
    /// Puts values into the cache and into the queue, in one step, or says who is to write them. Dropped before its end,
    /// it has done all of it or nothing.
    pub fn accept<'q>(&'q self, site: &'static Site, cache: &Cache, items: Vec<Item>) -> InRuntime<'q, Accepted> {
        let cache = Arc::clone(cache.inner());
        InRuntime::new(async move {
            let usable = items.iter().all(|item| item.key.usable() && item.tags.iter().all(Key::usable));
            let keys: Vec<Key> = items.iter().map(|item| item.key.clone()).collect();
            let Some(call) = Call::of(site, &cache, &keys).filter(|_| usable) else {
                return Accepted::Through(self.past(site, cache, keys).await);
            };
            let again = Instant::now() + AGAIN;
            loop {
                match call.fillings(&items).await {
                    // Where the stamps cannot be made nothing is stored, and so nothing is queued.
                    Ok(fillings) => return call.accept(self, fillings).await,
                    Err(_) if Instant::now() < again && !call.is_given_up() => sleep(LATER).await,
                    Err(_) => return Accepted::Through(call.away(self, None).await),
                }
            }
        })
    }

    /// The right to write these keys past the queue: once nothing is queued of them.
    pub fn through<'q>(&'q self, site: &'static Site, cache: &Cache, keys: Vec<Key>) -> InRuntime<'q, Through> {
        let cache = Arc::clone(cache.inner());
        InRuntime::new(self.past(site, cache, keys))
    }

    async fn past(&self, site: &'static Site, cache: Arc<Inner>, keys: Vec<Key>) -> Through {
        let Some(call) = Call::of(site, &cache, &keys) else { return Through::nothing() };
        match call.accept(self, None).await {
            Accepted::Through(through) => through,
            Accepted::Queued | Accepted::Full => Through::nothing(),
        }
    }
}

impl Call {
    /// `None`: disabled.
    fn of(site: &'static Site, cache: &Arc<Inner>, keys: &[Key]) -> Option<Self> {
        let store = cache.store()?;
        let keys = keys.iter().filter(|key| key.usable()).map(|key| cache.store_key(key)).collect();
        Some(Self { site, cache: Arc::clone(cache), store, keys })
    }

    fn is_given_up(&self) -> bool {
        self.keys.first().is_some_and(|key| self.store.given_up(key))
    }

    /// The entries, with the stamps of now. `None`: those are not known.
    async fn fillings(&self, items: &[Item]) -> Result<Option<Vec<Option<Filling>>>, StoreError> {
        let cache = &self.cache;
        let named = |item: &Item| item.tags.iter().map(|tag| cache.tag_key(tag)).collect();
        let mut stamps: Vec<Stamps> = items.iter().map(|item| Stamps::new(&cache.epoch, named(item))).collect();
        let mut asks = Vec::new();
        for ask in stamps.iter().flat_map(|stamps| stamps.asks(&cache.epoch)) {
            if !asks.iter().any(|known: &crate::store::Ask| known.key == ask.key) {
                asks.push(ask);
            }
        }
        if !asks.is_empty() {
            let sent = Instant::now();
            let answers = self.store.stamps(&asks).await?;
            for stamps in &mut stamps {
                stamps.answered_among(&asks, &answers, &cache.epoch, sent);
            }
        }
        let counters = cache.stats.of(self.site);
        let fill = |(item, stamps): (&Item, &Stamps)| {
            let life = self.life(item)?;
            let tags = stamps.written();
            if !cache.takes(entry::size(&tags, &item.payload), self.site, counters) {
                return None;
            }
            let header = Header {
                fill: Token::fresh().fill_id(),
                form: item.form,
                version: self.site.policy.version,
                holds: Holds::Queued,
                created: Millis::now(),
                ttl: life.ttl,
                early: life.early,
                stale: Duration::ZERO,
                load: Duration::ZERO,
                epoch: stamps.epoch.unwrap_or_default(),
                displaced: false,
            };
            let value = entry::value(&header, &tags, &item.payload, cache.encoding.packing).into();
            Some(Filling { value, px: life.ttl, tags: stamps.outliving(life.ttl, &cache.epoch) })
        };
        Ok(stamps.iter().all(Stamps::known).then(|| items.iter().zip(&stamps).map(fill).collect()))
    }

    /// How long it lives once the database has it; zero would be no value to put into the cache.
    fn life(&self, item: &Item) -> Option<Life> {
        let policy = &self.site.policy;
        match (item.ttl, policy.ttl) {
            (Some(ttl), _) | (None, Ttl::For(ttl)) => (!ttl.is_zero()).then(|| Life::of(policy, ttl, Duration::ZERO)),
            (None, Ttl::Never) => Some(Life::FOR_EVER),
            (None, Ttl::PerValue) => None,
        }
    }

    /// `fillings`: `None` where nothing is to be queued.
    async fn accept(self, queue: &Queue, fillings: Option<Vec<Option<Filling>>>) -> Accepted {
        let Some(queues) = self.store.queues() else {
            if self.cache.warn_once(self.site) {
                event::warning!(
                    "cache: `{}` writes every call to the database at once, for its keys are on several servers of a \
                     cluster: use one server, with or without sentinels, for queues",
                    self.site.name
                );
            }
            return Accepted::Through(self.hide().await);
        };
        let live = self.cache.queues.of(queue, &self.cache);
        let entries = |at: usize| fillings.as_ref()?.get(at)?.as_ref().map(|filling| filling.value.clone());
        let arrivals = Arrivals {
            writes: self
                .keys
                .iter()
                .enumerate()
                .map(|(at, key)| Arrival { key: Arc::clone(key), shard: queue.shard_of(key), entry: entries(at) })
                .collect(),
            most: queue.high_water,
            replaces: queue.coalesce,
            marks: queue.through_when_full,
            marker: entry::writer(&Token::fresh()),
            px: self.site.policy.lease,
        };
        let patience = Instant::now() + self.site.policy.load_timeout;
        let again = Instant::now() + AGAIN;
        // Whether one may have been carried out of which nothing was heard.
        let mut unheard = false;
        loop {
            let sent = !self.is_given_up();
            let before: Vec<_> = self.keys.iter().flat_map(|key| self.cache.flights.of(key)).collect();
            let arrived = queues.accept(&live.names, &arrivals).await;
            if !matches!(arrived, Ok(Arrived::Later | Arrived::Full)) {
                self.cache.written(&self.keys);
                self.cache.forget(&self.keys);
                for (name, flight) in &before {
                    self.cache.flights.detach(name, flight);
                }
            }
            return match arrived {
                Ok(Arrived::Queued { last, length }) => {
                    live.queued(last, self.keys.len(), length);
                    self.cache.stats.of(self.site).stores.add_many(self.keys.len());
                    Accepted::Queued
                }
                Ok(Arrived::Again) => {
                    live.arrived.notify_waiters();
                    Accepted::Queued
                }
                Ok(Arrived::Full) => Accepted::Full,
                Ok(Arrived::Later) if Instant::now() < patience => {
                    live.arrived.notify_waiters();
                    sleep(LATER.mul_f64(0.5 + fastrand::f64())).await;
                    continue;
                }
                Ok(Arrived::Later) => Accepted::Through(self.away(queue, None).await),
                Ok(Arrived::Marked) => Accepted::Through(self.marked(&live, &arrivals, fillings)),
                // No answer is no outage. The same call again: it is queued once.
                Err(StoreError::Timeout | StoreError::Unavailable) if sent && Instant::now() < again => {
                    unheard = true;
                    sleep(LATER).await;
                    continue;
                }
                // It is there, and nothing is queued of these keys, nor can it be.
                Err(error) if !unheard && !error.is_about_the_server() => {
                    self.failed(&error);
                    live.counters.through();
                    let Self { site, cache, store, keys } = self;
                    Accepted::Through(Through::unmarked(site, cache, store, keys, &Handle::current()))
                }
                Err(error) => {
                    self.failed(&error);
                    let unknown = unheard || sent && matches!(error, StoreError::Timeout | StoreError::Unavailable);
                    let unknown = unknown.then(|| (arrivals.marker, fills(&arrivals)));
                    Accepted::Through(self.away(queue, unknown).await)
                }
            };
        }
    }

    fn failed(&self, error: &StoreError) {
        self.cache.stats.of(self.site).failed(error);
        if *error != StoreError::OutOfMemory {
            self.cache.epoch.forget();
        }
    }

    fn marked(self, live: &Live, arrivals: &Arrivals, fillings: Option<Vec<Option<Filling>>>) -> Through {
        live.counters.through();
        let fillings = fillings.unwrap_or_default();
        let values = self.keys.iter().zip(fillings).filter_map(|(key, filling)| Some((Arc::clone(key), filling?)));
        // Of a key that the call names twice the last value stays.
        let values = values.collect::<HashMap<_, _>>();
        Through::marked(self.site, self.cache, self.store, self.keys, arrivals.marker, values, &Handle::current())
    }

    /// The server has no queues: as a writer does.
    async fn hide(self) -> Through {
        let marker = entry::writer(&Token::fresh());
        let hidden = self.store.write_begin(&self.keys, &marker, self.site.policy.lease, &[]).await;
        self.cache.forget(&self.keys);
        let values = HashMap::new();
        if hidden.is_err() {
            return Through::unmarked(self.site, self.cache, self.store, self.keys, &Handle::current());
        }
        Through::marked(self.site, self.cache, self.store, self.keys, marker, values, &Handle::current())
    }

    /// The store does not answer: what it has queued of these keys is older than what the caller is about to write.
    /// `unknown`: it may have been queued, or will be.
    async fn away(self, queue: &Queue, unknown: Option<(Placeholder, HashMap<Arc<str>, u64>)>) -> Through {
        let live = self.cache.queues.of(queue, &self.cache);
        live.counters.through();
        let gate = Arc::clone(&live.gate).read_owned().await;
        let overtaking =
            Overtaking { names: Arc::clone(&live.names), since: Instant::now(), before: live.last(), unknown };
        let through = Through::unmarked(self.site, self.cache, self.store, self.keys, &Handle::current());
        through.overtaking(overtaking, gate)
    }
}

/// The fill of each entry.
fn fills(arrivals: &Arrivals) -> HashMap<Arc<str>, u64> {
    let fill = |write: &Arrival| Some((Arc::clone(&write.key), entry::queued_fill(write.entry.as_ref()?)?));
    arrivals.writes.iter().filter_map(fill).collect()
}
