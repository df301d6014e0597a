//! The protocol of writers: from before the database is written to the last invalidation. Reads top to bottom.
//!
//! ```text
//! invalidate       body ── DEL keys
//! two_phase        SET keys W<token> ── body ── DEL keys                 hides the value while the write runs
//! write-through    SET key W<token> ── body ── compare-and-set the value over the marker, else DEL
//! ```
//!
//! The marker revokes a running load's lease, and lets nobody serve or store anything under the key until the write has
//! ended; it ends by itself when its writer dies. Two writers that overlap overwrite each other's marker, so that both
//! end in a deletion: without markers the older of two values can stay for good (4 steps).

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::background::{self, InRuntime};
use crate::cache::{Cache, Inner};
use crate::clock::Millis;
use crate::codec::Codec;
use crate::entry::{self, Header};
use crate::event;
use crate::form::Form;
use crate::invalidate::Delivery;
use crate::key::Key;
use crate::marker::Marker;
use crate::policy::Policy;
use crate::schema::Describe;
use crate::site::Site;
use crate::slot::{Loaded, keep_for};
use crate::stamp::Stamps;
use crate::stats::Counters;
use crate::store::{Filling, Store, StoreError};
use crate::token::Token;
use crate::transaction::{Inside, Transaction};
use crate::write::{Value, Write};

/// Without a transaction's scope an `after_commit` writer hides its keys for so long, in the hope that the commit comes.
const HOPE: Duration = Duration::from_secs(5);

/// Gets ready to write: hides the keys, where that was asked for.
#[doc(hidden)]
pub fn begin(write: Write) -> InRuntime<'static, Writing> {
    InRuntime::new(Writing::begin(write))
}

/// [`begin`] for a blocking function.
#[doc(hidden)]
pub fn begin_blocking(write: Write) -> Writing {
    background::block_on(Writing::begin(write)).unwrap_or(Writing(None))
}

/// A write between its beginning and its end. Dropped once the body has run, or while it does, it invalidates its keys
/// all the same: nobody knows whether a cancelled write was committed.
#[derive(Debug)]
pub struct Writing(Option<Box<State>>);

#[derive(Debug)]
struct State {
    site: &'static Site,
    cache: Arc<Inner>,
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    policy: Policy,
    runtime: Handle,
    /// What is invalidated at the end: keys and tags, as the store names them.
    keys: Vec<Arc<str>>,
    how: How,
    value: Value,
    schema: u64,
    codec: Codec,
    unless: bool,
    per_value: Option<Duration>,
    began: Option<Instant>,
    /// The body has begun and what it did is not yet known to the store; or there are markers to be taken away.
    armed: bool,
    /// A marker may be there, heard of or not.
    marked: bool,
}

/// How the store hears of the write.
#[derive(Debug)]
enum How {
    /// Afterwards.
    After,
    /// With the commit of this transaction.
    WithCommit(Inside),
    /// Nobody knows when it is committed.
    BeforeCommit,
    /// Before and after.
    Marked(Marker),
}

impl Writing {
    async fn begin(write: Write) -> Self {
        let Some(cache) = write.cache.or_else(|| Cache::current(write.site)).filter(|_| write.when) else {
            return Self(None);
        };
        let cache = cache.into_inner();
        let Some(store) = cache.store() else { return Self(None) };
        let through = !matches!(write.value, Value::None);
        // A written value carries its tags; an invalidation is about them.
        let (tags, invalidated) = if through { (write.tags, Vec::new()) } else { (Vec::new(), write.tags) };
        let usable = |keys: Vec<Key>| keys.into_iter().filter(Key::usable).collect::<Vec<_>>();
        let count = write.keys.len() + invalidated.len() + tags.len();
        let (keys, tags, invalidated) = (usable(write.keys), usable(tags), usable(invalidated));
        let hashed = keys.len() + invalidated.len() + tags.len() == count;
        let mut state = State {
            site: write.site,
            counters: Arc::clone(cache.stats.of(write.site)),
            policy: write.site.policy,
            runtime: Handle::current(),
            keys: cache.store_keys(&keys, &invalidated),
            how: How::After,
            schema: write.schema,
            codec: if matches!(write.value, Value::Given(_)) { write.codec } else { cache.encoding.codec },
            // An entry without one of its tags would be one that the tag does not invalidate.
            value: if hashed { write.value } else { Value::None },
            unless: write.unless,
            per_value: write.per_value,
            began: None,
            armed: false,
            marked: false,
            cache,
            store,
        };
        if let Some(inside) = Transaction::inside(&state.cache) {
            state.how = How::WithCommit(inside);
        } else if write.after_commit {
            if state.cache.warn_once(write.site) {
                event::warning!(
                    "cache: `{}` waits for a commit that nobody announces; open a scope with `cache.transaction()` \
                     before the database's, and commit it afterwards",
                    write.site.name
                );
            }
            state.how = How::BeforeCommit;
        } else if write.two_phase || through {
            let tags = tags.iter().map(|tag| state.cache.tag_key(tag)).collect();
            state.mark(tags).await;
        }
        Self(Some(Box::new(state)))
    }

    /// The body, which this write knows to have begun.
    pub(crate) fn run<F>(&mut self, body: F) -> F {
        if let Some(state) = &mut self.0 {
            state.began = Some(Instant::now());
            state.armed = true;
        }
        body
    }

    pub(crate) fn keep_for(&mut self, ttl: Duration) {
        if let Some(state) = &mut self.0 {
            state.per_value = Some(ttl);
        }
    }

    pub(crate) fn unless(&mut self, unless: bool) {
        if let Some(state) = &mut self.0 {
            state.unless |= unless;
        }
    }

    /// The body failed: nothing was written.
    pub(crate) fn failed(&mut self) {
        if let Some(state) = &mut self.0 {
            // A marker is taken away when this is dropped.
            state.armed = state.marked;
        }
    }

    /// Says what is stored.
    pub(crate) fn describe(&mut self, describe: Option<Describe>, fingerprint: fn(Describe) -> u64) {
        if let Some(state) = &mut self.0 {
            state.schema = state.site.schema.of(describe, fingerprint);
        }
    }

    /// The body's value, encoded, where that is what is stored.
    pub(crate) fn returned(&mut self, loaded: impl FnOnce(Codec) -> Option<(u64, Loaded)>) {
        if let Some(state) = &mut self.0
            && let Value::Returned(value) = &mut state.value
        {
            *value = loaded(state.codec);
        }
    }

    /// One more key to invalidate, known from the result.
    #[doc(hidden)]
    pub fn key(&mut self, key: impl Into<Key>) {
        self.invalidate(&[key.into()], &[]);
    }

    /// One more tag to invalidate, known from the result.
    #[doc(hidden)]
    pub fn tag(&mut self, tag: impl Into<Key>) {
        self.invalidate(&[], &[tag.into()]);
    }

    fn invalidate(&mut self, keys: &[Key], tags: &[Key]) {
        if let Some(state) = &mut self.0 {
            let named = state.cache.store_keys(keys, tags);
            state.keys.extend(named);
        }
    }

    /// The body has succeeded, and the store is told.
    pub(crate) async fn finish(&mut self) {
        let Some(state) = &mut self.0 else { return };
        state.cache.written(&state.keys);
        match &state.how {
            How::WithCommit(inside) if inside.queue(&state.keys) => {}
            How::BeforeCommit => state.hope().await,
            How::Marked(_) if !matches!(state.value, Value::None) => state.store_value().await,
            How::After | How::Marked(_) | How::WithCommit(_) => {
                let _queued = state.cache.deliver(&state.keys, &state.counters).await;
            }
        }
        state.armed = false;
    }
}

impl State {
    /// Puts the marker over every key. Over tags too: it is no stamp, so nothing with such a tag is served or stored.
    async fn mark(&mut self, tags: Vec<Arc<str>>) {
        let token = Token::fresh();
        let placeholder = entry::writer(&token);
        let mut stamps = Stamps::new(&self.cache.epoch, tags);
        let (asks, sent) = (stamps.asks(&self.cache.epoch), Instant::now());
        let lease = self.policy.lease;
        let before = self.flights();
        // From before it is sent: a command whose future is dropped may still be executed.
        (self.armed, self.marked) = (true, true);
        let begun = self.store.write_begin(&self.keys, &placeholder, lease, &asks).await;
        self.cache.forget(&self.keys);
        self.detach(before);
        let answers = match begun {
            Ok(answers) => answers,
            // A value without its marker could be the older one: this write ends in a deletion.
            Err(error) => {
                self.marked = error == StoreError::Timeout;
                self.armed = self.marked;
                self.counters.failed(&error);
                self.cache.epoch.forget();
                return;
            }
        };
        stamps.answered(&answers, &self.cache.epoch, sent);
        let marker = Marker::keep(&self.store, &self.keys, placeholder, stamps, self.policy, &self.runtime);
        self.how = How::Marked(marker);
    }

    /// The value in place of the marker, or nothing.
    async fn store_value(&mut self) {
        let loaded = match std::mem::replace(&mut self.value, Value::None) {
            Value::Returned(loaded) | Value::Given(loaded) => loaded,
            Value::None => None,
        };
        if loaded.is_none() {
            self.counters.unstorable.add();
        }
        let How::Marked(marker) = &self.how else { return };
        let life = loaded.as_ref().and_then(|(_, loaded)| keep_for(&self.policy, loaded, self.per_value));
        let tags = marker.stamps.written();
        let takes = |loaded: &Loaded| self.cache.takes(entry::size(&tags, loaded.payload()), self.site, &self.counters);
        let stored = loaded.zip(life).filter(|_| !self.unless && marker.stamps.known());
        let Some(((type_tag, loaded), life)) = stored.filter(|((_, loaded), _)| takes(loaded)) else {
            let _queued = self.cache.deliver(&self.keys, &self.counters).await;
            return;
        };
        let header = Header {
            fill: Token::fresh().fill_id(),
            form: Form { type_tag, schema: self.schema, codec: self.codec },
            version: self.policy.version,
            holds: loaded.holds(),
            created: Millis::now(),
            ttl: life.ttl,
            early: life.early,
            stale: life.stale,
            load: self.began.map_or(Duration::ZERO, |began| began.elapsed()),
            epoch: marker.stamps.epoch.unwrap_or_default(),
            displaced: false,
        };
        let filling = Filling {
            value: entry::value(&header, &tags, loaded.payload(), self.cache.encoding.packing).into(),
            px: life.px(),
            tags: marker.stamps.outliving(life.px(), &self.cache.epoch),
        };
        let before = self.flights();
        for key in &self.keys {
            match self.store.write_end(key, &marker.placeholder, &filling).await {
                Ok(stored) => {
                    if stored {
                        self.counters.stores.add()
                    } else {
                        self.counters.late_fills.add()
                    }
                    self.cache.acknowledged(std::slice::from_ref(key), &self.store);
                }
                Err(error) => {
                    self.cache.undelivered(std::slice::from_ref(key), &self.store, &self.counters, &error);
                }
            }
        }
        self.detach(before);
    }

    /// The commit is still to come, and nobody will say when: hides keys and tags for a while.
    async fn hope(&mut self) {
        let placeholder = entry::writer(&Token::fresh());
        let hidden = self.store.write_begin(&self.keys, &placeholder, HOPE, &[]).await;
        self.cache.forget(&self.keys);
        if hidden.is_err() {
            let _queued = self.cache.deliver(&self.keys, &self.counters).await;
        }
    }

    fn flights(&self) -> Vec<(String, Arc<crate::flight::Flight>)> {
        self.keys.iter().flat_map(|key| self.cache.flights.of(key)).collect()
    }

    /// Whoever comes from now on does not join a load that began before.
    fn detach(&self, flights: Vec<(String, Arc<crate::flight::Flight>)>) {
        for (key, flight) in flights {
            self.cache.flights.detach(&key, &flight);
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        if matches!(&self.how, How::WithCommit(inside) if inside.queue(&self.keys)) {
            return;
        }
        let keys = std::mem::take(&mut self.keys);
        drop(Delivery::of(&self.cache, &self.counters, keys).on(&self.runtime));
    }
}
