//! Entries in Redis: the commands of the protocol, one key each.
//!
//! Scripts are sent without a `#!lua` line: with it, Redis refuses them at `maxmemory` even where they only delete.

mod acquisition;
mod address;
mod breaker;
#[cfg(feature = "cluster")]
mod cluster;
mod commands;
mod connection;
mod dialect;
#[cfg(all(feature = "testing", feature = "cluster"))]
pub(crate) mod hostile;
mod lane;
mod link;
mod node;
mod queues;
mod scripts;
#[cfg(feature = "sentinel")]
mod sentinel;
mod servers;
mod share;
mod target;
mod together;
mod tracker;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, Pipeline, Value};
use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::acquisition::Acquisition;
use self::commands::{ask, bytes, call, millis, outlive, stamp, stamps, unexpected};
use self::link::Place;
use self::node::Request;
use self::scripts::{Script, Scripts};
use self::servers::Servers;
pub(crate) use self::target::Target;
use self::tracker::Watch;
use super::{
    Acquired, Ask, Condition, End, Ending, Filling, Listener, Many, Observed, Placeholder, Queues, Repair, Reply,
    Stamp, Store, StoreError, Tracked,
};

/// The longest a waiter relies on being told.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The store over Redis.
#[derive(Debug)]
pub(crate) struct RedisStore {
    servers: Servers,
    scripts: Scripts,
}

impl RedisStore {
    /// `probe` is a key that may be written to find out whether a server takes writes.
    pub(crate) fn new(target: Target, deadline: Duration, probe: Arc<str>) -> Self {
        let servers = match target {
            Target::One(address) => Servers::one(Place::Fixed(Box::new(address)), deadline, probe),
            #[cfg(feature = "cluster")]
            Target::Cluster(first, others) => Servers::Many(cluster::Cluster::new(first, others, deadline, probe)),
            #[cfg(feature = "sentinel")]
            Target::Watched(sentinels) => Servers::one(Place::Watched(Arc::new(sentinels)), deadline, probe),
        };
        Self { servers, scripts: Scripts::new() }
    }

    async fn command(&self, key: &str, command: &Cmd) -> Result<Value, StoreError> {
        self.servers.run(key, Request::Command(command)).await
    }

    async fn bytes(&self, key: &str, command: &Cmd) -> Result<Option<Bytes>, StoreError> {
        bytes(self.command(key, command).await?)
    }

    async fn pipeline(&self, commands: &Pipeline) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        self.servers.pipeline(commands).await
    }

    async fn script(&self, script: &Script, key: &str, arguments: &[&[u8]]) -> Result<bool, StoreError> {
        let keys = [key];
        self.servers
            .run(key, Request::Script { script, keys: &keys, arguments })
            .await
            .map(|reply| reply == Value::Int(1))
    }

    /// Stores a value by a script, and lets the stamps that it carries live on in the same round trip.
    async fn store(&self, script: &Script, key: &str, replaces: &[u8], filling: &Filling) -> Result<bool, StoreError> {
        let px = filling.px.map_or(0, millis).to_string();
        let arguments: [&[u8]; 3] = [replaces, &filling.value, px.as_bytes()];
        if filling.tags.is_empty() {
            return self.script(script, key, &arguments).await;
        }
        let mut commands = Pipeline::with_capacity(1 + filling.tags.len());
        commands.add_command(call("EVALSHA", &script.sha1, &[key], &arguments));
        outlive(&mut commands, filling);
        match self.pipeline(&commands).await?.into_iter().next() {
            Some(Err(error)) if error.is_no_script() => self.script(script, key, &arguments).await,
            Some(reply) => reply.map(|reply| reply == Value::Int(1)),
            None => Err(unexpected()),
        }
    }

    /// The stamps and what the key holds, in one round trip.
    async fn acquire_asking(&self, acquire: Cmd, asks: &[Ask]) -> Result<Acquired, StoreError> {
        let mut commands = Pipeline::with_capacity(asks.len() + 2);
        ask(&mut commands, asks);
        commands.add_command(acquire);
        let mut replies = self.pipeline(&commands).await?.into_iter();
        let stamps = stamps(asks, &mut replies);
        let held = replies.next().unwrap_or_else(|| Err(unexpected())).and_then(bytes);
        held.map(|held| Acquired { held, stamps })
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

impl Store for RedisStore {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        Box::pin(async move {
            let acquisition = Acquisition { key, lease, px };
            let reply = if asks.is_empty() {
                self.servers.acquire(&acquisition).await.map(|held| Acquired { held, stamps: Vec::new() })
            } else {
                // Boxed, as whatever is rare: each hit would carry room for it.
                Box::pin(self.acquire_asking(acquisition.command(), asks)).await
            };
            match reply {
                // Out of memory the server still answers reads: what it has stays a hit.
                Err(StoreError::OutOfMemory) => Box::pin(self.read_only(key, asks)).await,
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
            self.bytes(key, &command).await
        })
    }

    #[cfg(feature = "inspect")]
    fn left<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Duration>> {
        Box::pin(async move {
            let mut command = Cmd::with_capacity(2, key.len() + 16);
            command.arg("PTTL").arg(key);
            match self.command(key, &command).await? {
                Value::Int(millis) => Ok(u64::try_from(millis).ok().map(Duration::from_millis)),
                _ => Err(unexpected()),
            }
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
                        commands.add_command(call("EVALSHA", &self.scripts.fill.sha1, &[&**key], &arguments));
                    }
                    End::Release(marker) => {
                        let (marker, px) = marker.as_ref().map_or((&[][..], Duration::ZERO), |(it, px)| (it, *px));
                        let px = millis(px).to_string();
                        let arguments: [&[u8]; 3] = [lease, marker, px.as_bytes()];
                        commands.add_command(call("EVALSHA", &self.scripts.release.sha1, &[&**key], &arguments));
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

    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.store(&self.scripts.refill, key, replaces, filling))
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
            if self.servers.is_one() {
                return self.begin_around_queued(commands, keys, marker, px, asks).await;
            }
            for key in keys {
                commands.cmd("SET").arg(&**key).arg(marker).arg("PX").arg(millis(px));
            }
            let mut replies = self.pipeline(&commands).await?.into_iter();
            let stamps = stamps(asks, &mut replies);
            let (mut begun, mut failed) = (false, None);
            for reply in replies {
                match reply {
                    Ok(_) => begun = true,
                    Err(error) => failed = Some(error),
                }
            }
            match failed {
                None => Ok(stamps),
                // Some of the keys have the marker: it is as if nobody knew.
                Some(_) if begun => Err(StoreError::Timeout),
                Some(error) => Err(error),
            }
        })
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.store(&self.scripts.write_end, key, marker, filling))
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        Box::pin(async move {
            if self.servers.is_one() {
                let px = filling.px.map_or(0, millis).to_string();
                return self.script(&self.scripts.put, key, &[&filling.value, px.as_bytes()]).await.map(drop);
            }
            let mut command = Cmd::with_capacity(5, key.len() + filling.value.len() + 64);
            command.arg("SET").arg(key).arg(&filling.value[..]);
            if let Some(px) = filling.px {
                command.arg("PX").arg(millis(px));
            }
            self.command(key, &command).await.map(drop)
        })
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        Box::pin(async move { self.delete_each(keys).await?.into_iter().collect() })
    }

    fn delete_each<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, Vec<Result<(), StoreError>>> {
        Box::pin(async move {
            if self.servers.is_one() && !keys.is_empty() {
                let deleted = self.script_of(&self.scripts.evict, keys, &[]).await.map(drop);
                return Ok(vec![deleted; keys.len()]);
            }
            if let Some(first) = keys.first().filter(|_| keys.len() == 1) {
                let mut command = Cmd::with_capacity(1 + keys.len(), 64 * keys.len());
                command.arg("DEL");
                for key in keys {
                    command.arg(&**key);
                }
                let deleted = self.command(first, &command).await.map(drop);
                return Ok(vec![deleted; keys.len()]);
            }
            // The client takes an empty pipeline for a mistake.
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let mut commands = Pipeline::with_capacity(keys.len());
            for key in keys {
                commands.cmd("DEL").arg(&**key);
            }
            let replies = self.pipeline(&commands).await?;
            Ok(replies.into_iter().map(|reply| reply.map(drop)).collect())
        })
    }

    #[cfg(feature = "cluster")]
    fn elsewhere(&self, key: &str) -> Vec<Arc<str>> {
        if self.servers.is_one() { Vec::new() } else { cluster::slot::elsewhere(key) }
    }

    fn given_up(&self, key: &str) -> bool {
        self.servers.given_up(key)
    }

    fn queues(&self) -> Option<&dyn Queues> {
        self.servers.is_one().then_some(self)
    }

    fn is_doubtful(&self, key: &str) -> bool {
        self.servers.is_doubtful(key)
    }

    fn condition(&self) -> Condition {
        self.servers.condition()
    }

    fn refusal(&self) -> Option<StoreError> {
        self.servers.refusal()
    }

    fn times_opened(&self) -> u64 {
        self.servers.times_opened()
    }

    fn repaired_by(&self, repair: Arc<dyn Repair>) {
        self.servers.repaired_by(repair);
    }

    fn track<'s>(&'s self, keys: &'s [Arc<str>], listener: &'s Arc<dyn Listener>) -> Reply<'s, Vec<Option<Tracked>>> {
        Box::pin(async move { Ok(self.servers.track(keys, listener).await) })
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        Box::pin(async move {
            // Without pushes: poll, slower and slower.
            let mut poll = Duration::from_millis(10);
            loop {
                // Asked for with every look: the key may have moved to another server of the cluster.
                let node = self.servers.holding(key);
                let link = node.as_ref().map(|node| node.links.here());
                let waiter = link.as_ref().map(|link| link.tracker().watch(key));
                let mut changed = pin!(waiter.as_ref().map(Watch::changed));
                if let Some(changed) = changed.as_mut().as_pin_mut() {
                    changed.enable();
                }
                before_read();
                let read = match (&node, &waiter) {
                    (Some(node), Some(waiter)) => {
                        let began = Instant::now();
                        let read = timeout_at(until, node.in_time(node.due(), pin!(waiter.read()))).await;
                        let read = read.map_err(|_| StoreError::Timeout)?;
                        if read.is_none() {
                            waiter.was_not_answered(began);
                        }
                        read
                    }
                    _ => None,
                };
                let (held, next) = match read {
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
                let next = (Instant::now() + next).min(until);
                match changed.as_pin_mut() {
                    Some(changed) => _ = timeout_at(next, changed).await,
                    None => sleep_until(next).await,
                }
            }
        })
    }
}
