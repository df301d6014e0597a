//! Entries in Redis: the commands of the protocol, one key each.
//!
//! Scripts are sent without a `#!lua` line: with it, Redis refuses them at `maxmemory` even where they only delete.

mod address;
mod breaker;
mod commands;
mod link;
mod scripts;
mod tracker;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use self::address::Address;
use self::breaker::Breaker;
use self::commands::refusal;
use self::commands::{ask, bytes, call, millis, outlive, stamp, stamps, unexpected};
use self::link::Links;
use self::scripts::{Script, Scripts};
use super::{
    Acquired, Ask, Condition, End, Ending, Filling, Many, Observed, Placeholder, Repair, Reply, Stamp, Store,
    StoreError,
};

/// The longest a waiter relies on being told.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The store over one Redis server.
pub(crate) struct RedisStore {
    links: Links,
    breaker: Arc<Breaker>,
    scripts: Scripts,
    /// The longest any operation takes, connecting included.
    deadline: Duration,
    /// Refusals that were logged: error codes, each once.
    warned: Mutex<HashSet<String>>,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("address", self.links.address()).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// `probe` is a key that may be written to find out whether the server takes writes.
    pub(crate) fn new(address: Address, deadline: Duration, probe: Arc<str>) -> Self {
        let breaker = Arc::<Breaker>::default();
        Self {
            links: Links::new(address, Arc::clone(&breaker), probe),
            breaker,
            scripts: Scripts::new(),
            deadline,
            warned: Mutex::default(),
        }
    }

    /// Waits until the deadline. A process that stood still meanwhile (throttled, suspended, its threads held up) finds
    /// its timer due together with the answer, or with a command that was never sent. That is no failure of Redis: the
    /// answer gets as long as the timer was late, but never less than a moment and never more than another deadline.
    async fn in_time<T>(&self, operation: impl Future<Output = T>) -> Option<T> {
        let mut operation = pin!(operation);
        let due = Instant::now() + self.deadline;
        match timeout_at(due, operation.as_mut()).await {
            Ok(answer) => Some(answer),
            Err(_) => {
                let late = due.elapsed().clamp(self.deadline / 20, self.deadline);
                timeout(late, operation).await.ok()
            }
        }
    }

    /// A server that refuses what the protocol needs (no permission, no such command) makes every call run uncached:
    /// somebody should know.
    fn warn_once(&self, code: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        // Bounded, should a proxy make up codes.
        if warned.len() < 32 && warned.insert(code.to_owned()) {
            log::warn!("cache: {:?} refuses a command ({code}); calls that need it run uncached", self.links.address());
        }
    }

    /// Runs one operation on this runtime's connection, within the deadline, unless the server was given up.
    async fn operation<T>(
        &self,
        run: impl AsyncFnOnce(&mut ::redis::aio::MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let link = self.links.here();
        if let Err(given_up) = self.breaker.admit() {
            // Whoever opened it may be gone, and then nobody tries the server.
            link.doubt();
            return Err(given_up);
        }
        let operation = async {
            let mut connection = link.connection().await?;
            run(&mut connection).await.map_err(|error| link.failed(&error))
        };
        let result = self.in_time(operation).await.unwrap_or_else(|| {
            link.timed_out();
            Err(StoreError::Timeout)
        });
        match &result {
            Ok(_) => link.answered(),
            Err(error) => {
                if let StoreError::Refused(code) = error {
                    self.warn_once(code);
                }
                if error.is_about_the_server() {
                    self.breaker.failed(error);
                    if self.breaker.is_open() {
                        link.doubt();
                    }
                    return result;
                }
            }
        }
        self.breaker.answered();
        result
    }

    async fn bytes(&self, command: Cmd) -> Result<Option<Bytes>, StoreError> {
        let reply = self.operation(async |connection| send(connection, &command).await).await?;
        bytes(reply)
    }

    /// Several commands in one round trip. Each has its own answer, errors included.
    async fn pipeline(&self, commands: &Pipeline) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        let count = commands.cmd_iter().count();
        let replies =
            self.operation(async |connection| connection.send_packed_commands(commands, 0, count).await).await?;
        let understood = |reply: Value| reply.extract_error().map_err(|error| refusal(&error));
        Ok(replies.into_iter().map(understood).collect())
    }

    async fn script(&self, script: &Script, key: &str, arguments: &[&[u8]]) -> Result<bool, StoreError> {
        let run = async |connection: &mut ::redis::aio::MultiplexedConnection| {
            match send(connection, &call("EVALSHA", &script.sha1, key, arguments)).await {
                // The text itself, not `SCRIPT LOAD` and the name again: in between it could be forgotten again.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    send(connection, &call("EVAL", script.text, key, arguments)).await
                }
                reply => reply,
            }
        };
        self.operation(run).await.map(|reply| reply == Value::Int(1))
    }

    /// Stores a value by a script, and lets the stamps that it carries live on in the same round trip.
    async fn store(
        &self,
        script: &Script,
        key: &str,
        placeholder: &Placeholder,
        filling: &Filling,
    ) -> Result<bool, StoreError> {
        let px = filling.px.map_or(0, millis).to_string();
        let arguments: [&[u8]; 3] = [placeholder, &filling.value, px.as_bytes()];
        if filling.tags.is_empty() {
            return self.script(script, key, &arguments).await;
        }
        let mut commands = Pipeline::with_capacity(1 + filling.tags.len());
        commands.add_command(call("EVALSHA", &script.sha1, key, &arguments));
        outlive(&mut commands, filling);
        match self.pipeline(&commands).await?.into_iter().next() {
            Some(Err(error)) if error.is_no_script() => self.script(script, key, &arguments).await,
            Some(reply) => reply.map(|reply| reply == Value::Int(1)),
            None => Err(unexpected()),
        }
    }

    /// What a server that is out of memory still answers.
    async fn read_only(&self, key: &str, asks: &[Ask]) -> Result<Acquired, StoreError> {
        let mut commands = Pipeline::with_capacity(1 + asks.len());
        for key in asks.iter().map(|ask| &*ask.key).chain([key]) {
            commands.cmd("GET").arg(key);
        }
        let mut replies = self.pipeline(&commands).await?.into_iter();
        let stamps = replies.by_ref().take(asks.len()).map(|reply| stamp(reply, None)).collect();
        match bytes(replies.next().unwrap_or_else(|| Err(unexpected()))?)? {
            Some(held) => Ok(Acquired { held: Some(held), stamps }),
            None => Err(StoreError::OutOfMemory),
        }
    }
}

/// One command. Server errors arrive as values at this level.
async fn send(connection: &mut ::redis::aio::MultiplexedConnection, command: &Cmd) -> Result<Value, RedisError> {
    connection.send_packed_command(command).await?.extract_error()
}

impl Store for RedisStore {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        Box::pin(async move {
            // One native command: at the price of a `GET`, where a script would cost a hit 1.6 to 5 times as much.
            let mut command = Cmd::with_capacity(7, key.len() + 64);
            command.arg("SET").arg(key).arg(lease).arg("NX").arg("GET").arg("PX").arg(millis(px));
            let reply = if asks.is_empty() {
                self.bytes(command).await.map(|held| Acquired { held, stamps: Vec::new() })
            } else {
                let mut commands = Pipeline::with_capacity(asks.len() + 2);
                ask(&mut commands, asks);
                commands.add_command(command);
                let mut replies = self.pipeline(&commands).await?.into_iter();
                let stamps = stamps(asks, &mut replies);
                let held = replies.next().unwrap_or_else(|| Err(unexpected())).and_then(bytes);
                held.map(|held| Acquired { held, stamps })
            };
            match reply {
                // Out of memory the server still answers reads: what it has stays a hit.
                Err(StoreError::OutOfMemory) => self.read_only(key, asks).await,
                reply => reply,
            }
        })
    }

    fn acquire_many<'s>(
        &'s self,
        keys: &'s [(Arc<str>, Placeholder)],
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Many<Option<Bytes>>> {
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(keys.len() + asks.len());
            ask(&mut commands, asks);
            for (key, lease) in keys {
                commands.cmd("SET").arg(&**key).arg(lease).arg("NX").arg("GET").arg("PX").arg(millis(px));
            }
            let mut replies = self.pipeline(&commands).await?.into_iter();
            let stamps = stamps(asks, &mut replies);
            Ok((replies.map(|reply| reply.and_then(bytes)).collect(), stamps))
        })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(2, key.len() + 16);
            command.arg("GET").arg(key);
            self.bytes(command).await
        })
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        Box::pin(async move {
            // The client takes an empty pipeline for a mistake.
            if asks.is_empty() {
                return Ok(Vec::new());
            }
            let mut commands = Pipeline::with_capacity(asks.len() + 1);
            ask(&mut commands, asks);
            let mut replies = self.pipeline(&commands).await?.into_iter();
            Ok(stamps(asks, &mut replies))
        })
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.store(&self.scripts.fill, key, lease, filling))
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        Box::pin(async move {
            let (marker, px) = marker.unwrap_or_default();
            let px = millis(px).to_string();
            self.script(&self.scripts.release, key, &[lease, &marker[..], px.as_bytes()]).await
        })
    }

    fn end_many<'s>(&'s self, endings: &'s [Ending]) -> Reply<'s, Vec<Result<bool, StoreError>>> {
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(endings.len());
            for Ending { key, lease, how } in endings {
                match how {
                    End::Fill(filling) => {
                        let px = filling.px.map_or(0, millis).to_string();
                        let arguments: [&[u8]; 3] = [lease, &filling.value, px.as_bytes()];
                        commands.add_command(call("EVALSHA", &self.scripts.fill.sha1, key, &arguments));
                    }
                    End::Release(marker) => {
                        let (marker, px) = marker.as_ref().map_or((&[][..], Duration::ZERO), |(it, px)| (it, *px));
                        let px = millis(px).to_string();
                        let arguments: [&[u8]; 3] = [lease, marker, px.as_bytes()];
                        commands.add_command(call("EVALSHA", &self.scripts.release.sha1, key, &arguments));
                    }
                }
            }
            for Ending { how, .. } in endings {
                if let End::Fill(filling) = how {
                    outlive(&mut commands, filling);
                }
            }
            let replies = self.pipeline(&commands).await?;
            let mut answers = Vec::with_capacity(endings.len());
            for (reply, ending) in replies.into_iter().zip(endings) {
                answers.push(match (reply, &ending.how) {
                    (Err(error), End::Fill(filling)) if error.is_no_script() => {
                        self.fill(&ending.key, &ending.lease, filling).await
                    }
                    (Err(error), End::Release(marker)) if error.is_no_script() => {
                        self.release(&ending.key, &ending.lease, marker.clone()).await
                    }
                    (reply, _) => reply.map(|reply| reply == Value::Int(1)),
                });
            }
            Ok(answers)
        })
    }

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        Box::pin(async move {
            let px = millis(px).to_string();
            self.script(&self.scripts.renew, key, &[held, px.as_bytes()]).await
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
            let px = millis(px).to_string();
            match observed {
                Observed::Prefix(prefix) => {
                    self.script(&self.scripts.takeover, key, &[prefix, lease, px.as_bytes()]).await
                }
                Observed::ForeignKind => {
                    self.script(&self.scripts.takeover_foreign, key, &[lease, px.as_bytes()]).await
                }
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
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(keys.len() + asks.len());
            ask(&mut commands, asks);
            for key in keys {
                commands.cmd("SET").arg(&**key).arg(marker).arg("PX").arg(millis(px));
            }
            let mut replies = self.pipeline(&commands).await?.into_iter();
            let stamps = stamps(asks, &mut replies);
            replies.try_for_each(|reply| reply.map(drop))?;
            Ok(stamps)
        })
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.store(&self.scripts.write_end, key, marker, filling))
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(5, key.len() + filling.value.len() + 64);
            command.arg("SET").arg(key).arg(&filling.value[..]);
            if let Some(px) = filling.px {
                command.arg("PX").arg(millis(px));
            }
            self.operation(async |connection| send(connection, &command).await).await.map(drop)
        })
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(1 + keys.len(), 64 * keys.len());
            command.arg("DEL");
            for key in keys {
                command.arg(&**key);
            }
            self.operation(async |connection| send(connection, &command).await).await.map(drop)
        })
    }

    fn condition(&self) -> Condition {
        self.breaker.condition()
    }

    fn times_opened(&self) -> u64 {
        self.breaker.times_opened()
    }

    fn repaired_by(&self, repair: Arc<dyn Repair>) {
        self.breaker.repaired_by(repair);
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            let link = self.links.here();
            let waiter = link.tracker().watch(key);
            // Without pushes: poll, slower and slower.
            let mut poll = Duration::from_millis(10);
            loop {
                let changed = waiter.changed();
                let mut changed = pin!(changed);
                changed.as_mut().enable();
                before_read();
                let read = timeout_at(until, self.in_time(waiter.read())).await;
                let (held, next) = match read.map_err(|_| StoreError::Timeout)? {
                    Some(Ok((held, pttl))) => {
                        // Redis announces an expiry up to 100 ms late; our own timer does not. A server that hangs
                        // announces nothing: whoever waits finds that out by looking.
                        let spread = Duration::from_micros(1000 + fastrand::u64(..2000));
                        (held, pttl.map_or(LOOK_AGAIN, |pttl| (pttl + spread).min(LOOK_AGAIN)))
                    }
                    _ => {
                        before_read();
                        let held = timeout_at(until, self.get(key)).await.map_err(|_| StoreError::Timeout)??;
                        poll = poll.mul_f64(1.5).min(Duration::from_millis(100));
                        (held, poll.mul_f64(0.8 + 0.4 * fastrand::f64()))
                    }
                };
                if held.as_ref().is_none_or(|bytes| !bytes.starts_with(lease)) || Instant::now() >= until {
                    return Ok(held);
                }
                let _ = timeout_at((Instant::now() + next).min(until), changed).await;
            }
        })
    }
}
