//! Entries in Redis: the commands of the protocol, one key each.
//!
//! Scripts are sent without a `#!lua` line: with it, Redis refuses them at `maxmemory` even where they only delete.

mod address;
mod link;
mod scripts;
mod tracker;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use self::address::Address;
use self::link::{Link, Links};
use self::scripts::{Script, Scripts};
use super::{Observed, Placeholder, Reply, Store, StoreError};

/// The longest a waiter relies on being told.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The store over one Redis server.
pub(crate) struct RedisStore {
    links: Links,
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
    pub(crate) fn new(address: Address, deadline: Duration) -> Self {
        Self { links: Links::new(address), scripts: Scripts::new(), deadline, warned: Mutex::default() }
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

    /// Runs one operation on this runtime's connection, within the deadline.
    async fn operation<T>(
        &self,
        run: impl AsyncFnOnce(&mut ::redis::aio::MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let link = self.links.here();
        let operation = async {
            let mut connection = link.connection().await?;
            run(&mut connection).await.map_err(|error| classify(&link, &error))
        };
        match self.in_time(operation).await {
            Some(result) => {
                match &result {
                    Ok(_) => link.answered(),
                    Err(StoreError::Refused(code)) => self.warn_once(code),
                    Err(_) => {}
                }
                result
            }
            None => {
                link.timed_out();
                Err(StoreError::Timeout)
            }
        }
    }

    async fn bytes(&self, command: Cmd) -> Result<Option<Bytes>, StoreError> {
        let reply = self.operation(async |connection| send(connection, &command).await).await?;
        match reply {
            Value::BulkString(bytes) => Ok(Some(bytes.into())),
            Value::Nil => Ok(None),
            _ => Err(StoreError::Refused("unexpected reply".to_owned())),
        }
    }

    async fn script(&self, script: &Script, key: &str, arguments: &[&[u8]]) -> Result<bool, StoreError> {
        let command = |name: &str, script: &str| {
            let mut command = ::redis::cmd(name);
            command.arg(script).arg(1).arg(key).arg(arguments);
            command
        };
        let run = async |connection: &mut ::redis::aio::MultiplexedConnection| {
            match send(connection, &command("EVALSHA", &script.sha1)).await {
                // The text itself, not `SCRIPT LOAD` and the name again: in between it could be forgotten again.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    send(connection, &command("EVAL", script.text)).await
                }
                reply => reply,
            }
        };
        self.operation(run).await.map(|reply| reply == Value::Int(1))
    }
}

/// One command. Server errors arrive as values at this level.
async fn send(connection: &mut ::redis::aio::MultiplexedConnection, command: &Cmd) -> Result<Value, RedisError> {
    connection.send_packed_command(command).await?.extract_error()
}

fn classify(link: &Link, error: &RedisError) -> StoreError {
    match error.kind() {
        ErrorKind::Io => {
            link.broken();
            StoreError::Unavailable
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreError::WritesRefused,
        kind => match error.code() {
            Some("READONLY" | "NOREPLICAS" | "MISCONF") => StoreError::WritesRefused,
            Some("OOM") => StoreError::OutOfMemory,
            Some("WRONGTYPE") => StoreError::ForeignKind,
            // The code only: a server's text may quote arguments.
            Some(code) => StoreError::Refused(code.to_owned()),
            None => StoreError::Refused(format!("{kind:?}")),
        },
    }
}

/// Milliseconds for `PX`, which refuses zero.
fn millis(px: Duration) -> u64 {
    u64::try_from(px.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX.unsigned_abs() / 4)
}

impl Store for RedisStore {
    fn acquire<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            // One native command: at the price of a `GET`, where a script would cost a hit 1.6 to 5 times as much.
            let mut command = Cmd::with_capacity(7, key.len() + 64);
            command.arg("SET").arg(key).arg(lease).arg("NX").arg("GET").arg("PX").arg(millis(px));
            match self.bytes(command).await {
                // Out of memory the server still answers reads: what it has stays a hit.
                Err(StoreError::OutOfMemory) => match self.get(key).await? {
                    Some(bytes) => Ok(Some(bytes)),
                    None => Err(StoreError::OutOfMemory),
                },
                reply => reply,
            }
        })
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(2, key.len() + 16);
            command.arg("GET").arg(key);
            self.bytes(command).await
        })
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, value: Bytes, px: Option<Duration>) -> Reply<'s, bool> {
        Box::pin(async move {
            let px = px.map_or(0, millis).to_string();
            self.script(&self.scripts.fill, key, &[lease, &value[..], px.as_bytes()]).await
        })
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

    fn renew<'s>(&'s self, key: &'s str, lease: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        Box::pin(async move {
            let px = millis(px).to_string();
            self.script(&self.scripts.renew, key, &[lease, px.as_bytes()]).await
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

    fn put<'s>(&'s self, key: &'s str, value: Bytes, px: Option<Duration>) -> Reply<'s, ()> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(5, key.len() + value.len() + 64);
            command.arg("SET").arg(key).arg(&value[..]);
            if let Some(px) = px {
                command.arg("PX").arg(millis(px));
            }
            self.operation(async |connection| send(connection, &command).await).await.map(drop)
        })
    }

    fn delete<'s>(&'s self, key: &'s str) -> Reply<'s, ()> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(2, key.len() + 16);
            command.arg("DEL").arg(key);
            self.operation(async |connection| send(connection, &command).await).await.map(drop)
        })
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
