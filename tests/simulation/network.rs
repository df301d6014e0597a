//! A process's way to the server: a [`Store`] whose commands are late, lost, repeated, or executed without an answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cached_runtime::store::{Acquired, Ask, Bytes, Filling, Observed, Placeholder, Reply, Stamp, Store, StoreError};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::server::Server;
use super::weather::{Fate, Weather};
use crate::history::dice::Dice;

/// How long a caller waits for an answer.
const DEADLINE: Duration = Duration::from_millis(100);
/// The longest a waiter relies on being told.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// One process's connection.
#[derive(Debug)]
pub struct Network {
    server: Arc<Server>,
    weather: Weather,
    dice: Mutex<Dice>,
    process: Mask,
    cut: Arc<AtomicBool>,
}

/// When a command may be executed a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// An acquisition that is, after its lease was revoked, brings the lease back. The real client repeats none.
    Never,
    /// A deletion that nobody waits for any more is one that the checker does not know of.
    BeforeTheAnswer,
    /// It compares, or only reads: once or twice is the same.
    AtAnyTime,
}

/// All simulated processes are one real process, so their tokens look alike. On the wire each has its own.
#[derive(Clone, Copy, Debug)]
struct Mask(u8);

impl Mask {
    /// To the wire or from it.
    fn translate(self, bytes: &[u8]) -> Bytes {
        let mut bytes = bytes.to_vec();
        if let [0xC5, b'L' | b'R' | b'W' | b'E', token @ ..] = &mut bytes[..] {
            token.iter_mut().take(8).for_each(|byte| *byte ^= self.0);
        }
        bytes.into()
    }
}

/// Cuts a process off for good, as its end does: what it has sent may still arrive.
#[derive(Clone, Debug)]
pub struct Plug(Arc<AtomicBool>);

impl Plug {
    pub fn pull(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Network {
    pub fn new(server: &Arc<Server>, weather: Weather, dice: Dice, process: u8) -> (Self, Plug) {
        let cut = Arc::<AtomicBool>::default();
        let plug = Plug(Arc::clone(&cut));
        (Self { server: Arc::clone(server), weather, dice: Mutex::new(dice), process: Mask(process), cut }, plug)
    }

    fn roll<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.dice.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends a command. It travels by itself: a caller that goes away does not call it back.
    async fn send<T, F>(
        &self,
        again: Again,
        command: impl Fn(Arc<Server>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send,
    {
        if self.cut.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        let fate = self.roll(|dice| self.weather.fate(dice));
        let (answer, answered) = oneshot::channel();
        let server = Arc::clone(&self.server);
        tokio::spawn(async move {
            let Some(there) = fate.there else { return };
            pass(there).await;
            let result = command(Arc::clone(&server)).await;
            let repeated = async move {
                if let Some(again) = fate.again {
                    pass(again).await;
                    command(server).await;
                }
            };
            if again == Again::BeforeTheAnswer {
                repeated.await;
                answer_after(fate, answer, result).await;
            } else {
                answer_after(fate, answer, result).await;
                if again == Again::AtAnyTime {
                    repeated.await;
                }
            }
        });
        if fate.back.is_none() {
            sleep(if fate.noticed { fate.there.unwrap_or_default().min(DEADLINE) } else { DEADLINE }).await;
            return Err(if fate.noticed { StoreError::Unavailable } else { StoreError::Timeout });
        }
        match timeout(DEADLINE, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(StoreError::Timeout),
        }
    }
}

async fn answer_after<T>(fate: Fate, answer: oneshot::Sender<T>, result: T) {
    if let Some(back) = fate.back {
        pass(back).await;
        let _gone = answer.send(result);
    }
}

/// Some time, or a turn of everybody else.
async fn pass(time: Duration) {
    if time.is_zero() { yield_now().await } else { sleep(time).await }
}

/// What a pipeline asks first. Its commands are executed one by one: others may come between.
async fn read(server: &Server, asks: &[Ask]) -> Vec<Option<Stamp>> {
    let mut stamps = Vec::with_capacity(asks.len());
    for ask in asks {
        stamps.push(server.stamp(ask));
        yield_now().await;
    }
    stamps
}

impl Store for Network {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        let (key, lease, asks) = (key.to_owned(), self.process.translate(lease), asks.to_vec());
        Box::pin(async move {
            let acquired = self.send(Again::Never, move |server| {
                let (key, lease, asks) = (key.clone(), lease.clone(), asks.clone());
                async move {
                    let stamps = read(&server, &asks).await;
                    Acquired { held: server.get_or_set(&key, lease, px), stamps }
                }
            });
            let Acquired { held, stamps } = acquired.await?;
            Ok(Acquired { held: held.map(|held| self.process.translate(&held)), stamps })
        })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        let key = key.to_owned();
        Box::pin(async move {
            let held = self.send(Again::AtAnyTime, move |server| std::future::ready(server.get(&key))).await?;
            Ok(held.map(|held| self.process.translate(&held)))
        })
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        let asks = asks.to_vec();
        Box::pin(self.send(Again::AtAnyTime, move |server| {
            let asks = asks.clone();
            async move { read(&server, &asks).await }
        }))
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        let (key, lease, filling) = (key.to_owned(), self.process.translate(lease), filling.clone());
        Box::pin(self.send(Again::AtAnyTime, move |server| {
            let filled = server.begins(&key, &lease);
            if filled {
                server.set(&key, filling.value.clone(), filling.px);
            }
            std::future::ready(filled)
        }))
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        let (key, lease) = (key.to_owned(), self.process.translate(lease));
        let marker = marker.map(|(marker, px)| (self.process.translate(&marker), px));
        Box::pin(self.send(Again::AtAnyTime, move |server| {
            let released = server.begins(&key, &lease);
            match &marker {
                Some((marker, px)) if released => server.set(&key, marker.clone(), Some(*px)),
                None if released => server.delete(&key),
                _ => {}
            }
            std::future::ready(released)
        }))
    }

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        let (key, held) = (key.to_owned(), self.process.translate(held));
        Box::pin(self.send(Again::AtAnyTime, move |server| {
            let renewed = server.begins(&key, &held);
            if renewed {
                server.extend(&key, px);
            }
            std::future::ready(renewed)
        }))
    }

    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool> {
        let (key, lease) = (key.to_owned(), self.process.translate(lease));
        let Observed::Prefix(prefix) = observed else {
            return Box::pin(std::future::ready(Ok(false)));
        };
        let prefix = self.process.translate(prefix);
        Box::pin(self.send(Again::Never, move |server| {
            let taken = server.begins(&key, &prefix);
            if taken {
                server.set(&key, lease.clone(), Some(px));
            }
            std::future::ready(taken)
        }))
    }

    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool> {
        let (key, px) = (key.to_owned(), filling.px);
        let (replaces, value) = (self.process.translate(replaces), self.process.translate(&filling.value));
        Box::pin(self.send(Again::AtAnyTime, move |server| {
            let refilled = server.begins(&key, &replaces);
            if refilled {
                server.set(&key, value.clone(), px);
            }
            std::future::ready(refilled)
        }))
    }

    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>> {
        let (keys, marker, asks) = (keys.to_vec(), self.process.translate(marker), asks.to_vec());
        Box::pin(self.send(Again::BeforeTheAnswer, move |server| {
            let (keys, marker, asks) = (keys.clone(), marker.clone(), asks.clone());
            async move {
                let stamps = read(&server, &asks).await;
                keys.iter().for_each(|key| server.set(key, marker.clone(), Some(px)));
                stamps
            }
        }))
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        let (key, marker, filling) = (key.to_owned(), self.process.translate(marker), filling.clone());
        Box::pin(self.send(Again::BeforeTheAnswer, move |server| {
            let stored = server.begins(&key, &marker);
            if stored {
                server.set(&key, filling.value.clone(), filling.px);
            } else {
                server.delete(&key);
            }
            std::future::ready(stored)
        }))
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        let (key, filling) = (key.to_owned(), filling.clone());
        Box::pin(self.send(Again::BeforeTheAnswer, move |server| {
            server.set(&key, filling.value.clone(), filling.px);
            std::future::ready(())
        }))
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        let keys = keys.to_vec();
        Box::pin(self.send(Again::BeforeTheAnswer, move |server| {
            keys.iter().for_each(|key| server.delete(key));
            std::future::ready(())
        }))
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            let watched = self.server.watch(key);
            loop {
                let mut changed = std::pin::pin!(watched.notified());
                changed.as_mut().enable();
                before_read();
                let name = key.to_owned();
                let look = self
                    .send(Again::AtAnyTime, move |server| std::future::ready((server.get(&name), server.life(&name))));
                let (held, life) = look.await?;
                let held = held.map(|held| self.process.translate(&held));
                if held.as_ref().is_none_or(|held| !held.starts_with(lease)) || Instant::now() >= until {
                    return Ok(held);
                }
                let next = Instant::now() + life.map_or(LOOK_AGAIN, |life| life.min(LOOK_AGAIN));
                if self.roll(|dice| self.weather.announces(dice)) {
                    let _in_time = timeout_at(next.min(until), changed).await;
                } else {
                    sleep_until(next.min(until)).await;
                }
            }
        })
    }
}
