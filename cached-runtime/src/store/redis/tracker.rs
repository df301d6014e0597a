//! The connection on which the server tells what changed: waiters wake by it, and the local tier forgets by it.
//!
//! `CLIENT TRACKING ON OPTIN`, then per look one pipeline `CLIENT CACHING YES; GET key; PTTL key`: it registers,
//! re-reads after registering (so no change is missed) and says when the lease ends. Push is one-shot; each look
//! registers anew. Polling every 10 ms instead costs the server 3.8 times as much and wakes 5 to 20 times later.

mod tending;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, PushInfo, PushKind, RedisError, Value};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::link::{self, Place};
use super::share::Share;
use crate::entry::IDENTITY;
use crate::store::{Listener, Pulse, Tracked};
use crate::ticks;

/// The tracking connection of one link, opened by the first waiter, or for the local tier.
pub(crate) struct Tracker {
    tracking: Arc<Tracking>,
    /// Set once the local tier uses it.
    tender: OnceLock<AbortHandle>,
}

impl Drop for Tracker {
    fn drop(&mut self) {
        if let Some(tender) = self.tender.get() {
            tender.abort();
        }
    }
}

struct Tracking {
    place: Place,
    breaker: Arc<Breaker>,
    share: Share,
    connection: tokio::sync::Mutex<Connection>,
    watched: Watched,
    listener: OnceLock<Weak<dyn Listener>>,
}

enum Connection {
    None,
    /// Since then.
    Open(Open, Instant),
    /// The last attempt failed then: the server may not track, and every waiter would try again with every look.
    Failed(Instant),
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    pulse: Arc<Pulse>,
    /// Told when the pulse ends.
    over: Arc<Notify>,
}

/// Between attempts to open a tracking connection.
const RETRY: Duration = Duration::from_secs(1);

/// The keys somebody waits for.
#[derive(Default)]
struct Watched {
    keys: Mutex<HashMap<Vec<u8>, Interest>>,
}

#[derive(Default)]
struct Interest {
    changed: Arc<Notify>,
    waiters: usize,
}

impl Watched {
    fn keys(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Interest>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_changed(&self) {
        self.keys().values().for_each(|interest| interest.changed.notify_waiters());
    }
}

impl Tracking {
    /// In the order in which the server sent it, before any answer that came after it.
    fn pushed(&self, push: &PushInfo, open: &Over) {
        match (&push.kind, push.data.first()) {
            (PushKind::Invalidate, Some(Value::Array(keys))) => {
                let listener = self.listener.get().and_then(Weak::upgrade);
                for key in keys {
                    let Value::BulkString(key) = key else { continue };
                    if let Some(listener) = &listener {
                        listener.changed(key);
                    }
                    if let Some(interest) = self.watched.keys().get(key) {
                        interest.changed.notify_waiters();
                    }
                }
            }
            // `FLUSHALL` names no key, and after a disconnection anything may have changed: everybody looks again.
            (PushKind::Invalidate | PushKind::Disconnection, _) => {
                open.end();
                self.watched.all_changed();
            }
            _ => {}
        }
    }

    /// The connection, opened if there is none.
    async fn connection(self: &Arc<Self>) -> Result<Open, RedisError> {
        // Held while connecting: waiters that come meanwhile share the attempt. Each has its own deadline outside.
        let mut held = self.connection.lock().await;
        match &*held {
            Connection::Open(open, _) => return Ok(open.clone()),
            Connection::Failed(at) if at.elapsed() < RETRY => {
                return Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into());
            }
            Connection::Failed(_) | Connection::None => {}
        }
        let opened = self.open().await;
        *held = match &opened {
            Ok(open) => Connection::Open(open.clone(), Instant::now()),
            Err(_) => Connection::Failed(Instant::now()),
        };
        opened
    }

    async fn open(self: &Arc<Self>) -> Result<Open, RedisError> {
        let (pulse, over) = (Arc::new(Pulse::new()), Arc::<Notify>::default());
        let (tracking, end) = (Arc::downgrade(self), Over { pulse: Arc::clone(&pulse), over: Arc::clone(&over) });
        let mut connection = link::open(&self.place, move |push| match tracking.upgrade() {
            Some(tracking) => tracking.pushed(push, &end),
            None => end.end(),
        })
        .await?;
        redis::cmd("CLIENT").arg("TRACKING").arg("ON").arg("OPTIN").query_async::<()>(&mut connection).await?;
        Ok(Open { connection, pulse, over })
    }

    /// Gives this connection up, unless there is another one by now.
    async fn forget(&self, open: &Open) {
        let mut held = self.connection.lock().await;
        if matches!(&*held, Connection::Open(other, _) if Arc::ptr_eq(&other.pulse, &open.pulse)) {
            *held = Connection::None;
        }
        drop(held);
        open.pulse.end();
        // Nobody is told by it any more.
        self.watched.all_changed();
    }
}

/// Says of a connection that it is over.
struct Over {
    pulse: Arc<Pulse>,
    over: Arc<Notify>,
}

impl Over {
    fn end(&self) {
        self.pulse.end();
        self.over.notify_one();
    }
}

impl Drop for Over {
    /// The connection's own task ended, with its runtime perhaps.
    fn drop(&mut self) {
        self.end();
    }
}

impl Tracker {
    pub(crate) fn new(place: Place, breaker: Arc<Breaker>, share: Share) -> Self {
        let tracking = Tracking {
            place,
            breaker,
            share,
            connection: tokio::sync::Mutex::new(Connection::None),
            watched: Watched::default(),
            listener: OnceLock::new(),
        };
        Self { tracking: Arc::new(tracking), tender: OnceLock::new() }
    }

    pub(crate) fn watch(&self, key: &str) -> Watch<'_> {
        let mut keys = self.tracking.watched.keys();
        let interest = keys.entry(key.as_bytes().to_vec()).or_default();
        interest.waiters += 1;
        let changed = Arc::clone(&interest.changed);
        Watch { tracking: &self.tracking, key: key.as_bytes().to_vec(), changed }
    }

    /// What these keys begin with, until the listener hears otherwise. `None`: there is no connection to hear it on, at
    /// least not yet. Nobody waits for one.
    pub(crate) async fn track(&self, keys: &[&str], listener: &Arc<dyn Listener>) -> Option<Vec<Option<Tracked>>> {
        self.tracking.listener.get_or_init(|| Arc::downgrade(listener));
        self.tender.get_or_init(|| tending::start(&self.tracking));
        let Open { mut connection, pulse, .. } = match &*self.tracking.connection.try_lock().ok()? {
            Connection::Open(open, _) => open.clone(),
            Connection::None | Connection::Failed(_) => return None,
        };
        if !pulse.beats(ticks::now()) {
            return None;
        }
        let mut looks = Pipeline::with_capacity(3 * keys.len());
        for key in keys {
            looks.cmd("CLIENT").arg("CACHING").arg("YES");
            looks.cmd("GETRANGE").arg(*key).arg(0).arg(IDENTITY - 1);
            looks.cmd("PTTL").arg(*key);
        }
        let replies = connection.send_packed_commands(&looks, 0, 3 * keys.len()).await.ok()?;
        let mut replies = replies.into_iter();
        let mut next = || {
            let (caching, begins, left) = (replies.next()?, replies.next()?, replies.next()?);
            let (Value::Okay, Value::BulkString(begins), Value::Int(left)) = (caching, begins, left) else {
                return None;
            };
            let left = u64::try_from(left).ok().map(Duration::from_millis);
            Some(Tracked { begins: Bytes::from(begins), left, pulse: Arc::clone(&pulse) })
        };
        Some(keys.iter().map(|_| next()).collect())
    }
}

/// One waiter's interest in a key.
pub(crate) struct Watch<'t> {
    tracking: &'t Arc<Tracking>,
    key: Vec<u8>,
    changed: Arc<Notify>,
}

impl Watch<'_> {
    /// Completes when the key changed after this was enabled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// A look that began then was not answered in time. The connection may have lost something for good, and nobody else
    /// would find out: it is replaced, unless somebody has done so since.
    pub(crate) fn was_not_answered(&self, began: Instant) {
        // Locked: it is just being replaced.
        let Ok(mut held) = self.tracking.connection.try_lock() else { return };
        if let Connection::Open(open, since) = &*held
            && *since <= began
        {
            // Nobody would hear on it what changes.
            open.pulse.end();
            open.over.notify_one();
            *held = Connection::None;
        }
    }

    /// Registers, then says what the key holds and how long it will.
    pub(crate) async fn read(&self) -> Result<(Option<Bytes>, Option<Duration>), RedisError> {
        let mut open = self.tracking.connection().await?;
        let mut look = redis::pipe();
        look.cmd("CLIENT").arg("CACHING").arg("YES").ignore();
        look.cmd("GET").arg(&self.key).cmd("PTTL").arg(&self.key);
        match look.query_async::<(Option<Vec<u8>>, i64)>(&mut open.connection).await {
            Ok((held, pttl)) => Ok((held.map(Bytes::from), u64::try_from(pttl).ok().map(Duration::from_millis))),
            Err(error) => {
                // Another kind of value under one key is no fault of the connection.
                if error.is_io_error() {
                    self.tracking.forget(&open).await;
                }
                Err(error)
            }
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut keys = self.tracking.watched.keys();
        if let Some(interest) = keys.get_mut(&self.key) {
            interest.waiters -= 1;
            if interest.waiters == 0 {
                keys.remove(&self.key);
            }
        }
    }
}
