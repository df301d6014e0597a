//! Queues in Redis: streams, and scripts that touch the entries along with them.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Pipeline, Value};

use super::RedisStore;
use super::commands::{call, millis, stamps, unexpected};
use super::node::Request;
use super::scripts::Script;
use crate::store::queues::{
    Arrivals, Arrived, Done, Durability, Id, Lengths, Names, Overtaken, Portion, Queues, Record,
};
use crate::store::{Ask, Placeholder, Reply, Stamp, StoreError};

/// Text, where it is text.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

fn id(value: &Value) -> Option<Id> {
    text(value)?.parse().ok()
}

fn record(value: Value) -> Option<Record> {
    let Value::Array(parts) = value else { return None };
    let [place, key, Value::BulkString(entry), void] = <[Value; 4]>::try_from(parts).ok()? else { return None };
    let (id, key) = (id(&place)?, Arc::from(text(&key)?));
    Some(Record { id, key, entry: entry.into(), void: void == Value::Int(1) })
}

/// The only id of a range that was asked for one.
fn end(reply: &Value) -> Option<Id> {
    let Value::Array(records) = reply else { return None };
    let Value::Array(parts) = records.first()? else { return None };
    id(parts.first()?)
}

impl RedisStore {
    /// A script about several keys of one server.
    pub(super) async fn script_of<'k>(
        &self,
        script: &Script,
        keys: impl IntoIterator<Item = &'k Arc<str>>,
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let keys: Vec<&str> = keys.into_iter().map(|key| &**key).collect();
        let Some(first) = keys.first() else { return Err(unexpected()) };
        self.servers.run(first, Request::Script { script, keys: &keys, arguments }).await
    }

    /// A write marker over what is not queued for the database, in one round trip with the stamps.
    pub(super) async fn begin_around_queued(
        &self,
        mut commands: Pipeline,
        keys: &[Arc<str>],
        marker: &Placeholder,
        px: Duration,
        asks: &[Ask],
    ) -> Result<Vec<Option<Stamp>>, StoreError> {
        let script = &self.scripts.write_begin;
        let px = millis(px).to_string();
        let arguments: [&[u8]; 2] = [marker, px.as_bytes()];
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if asks.is_empty() {
            return self.script_of(script, keys, &arguments).await.map(|_| Vec::new());
        }
        let names: Vec<&str> = keys.iter().map(|key| &**key).collect();
        commands.add_command(call("EVALSHA", &script.sha1, &names, &arguments));
        let mut replies = self.pipeline(&commands).await?.into_iter();
        let stamps = stamps(asks, &mut replies);
        match replies.next() {
            Some(Err(error)) if error.is_no_script() => self.script_of(script, keys, &arguments).await.map(|_| stamps),
            Some(reply) => reply.map(|_| stamps),
            None => Err(unexpected()),
        }
    }
}

impl Queues for RedisStore {
    fn accept<'s>(&'s self, names: &'s Names, arrivals: &'s Arrivals) -> Reply<'s, Arrived> {
        Box::pin(async move {
            let number = |number: usize| number.to_string().into_bytes();
            let (calls, bit) = calls(names, &arrivals.marker);
            let flag = |flag: bool| if flag { b"1".to_vec() } else { b"0".to_vec() };
            let arguments = [
                number(names.streams.len()),
                arrivals.most.to_string().into_bytes(),
                flag(arrivals.replaces),
                flag(arrivals.marks),
                arrivals.marker.to_vec(),
                millis(arrivals.px).to_string().into_bytes(),
                bit.to_string().into_bytes(),
                millis(KNOWN).to_string().into_bytes(),
            ];
            let shards: Vec<_> = arrivals.writes.iter().map(|write| number(write.shard + 1)).collect();
            let mut words: Vec<&[u8]> = arguments.iter().map(|word| &word[..]).collect();
            for (write, shard) in arrivals.writes.iter().zip(&shards) {
                words.push(shard);
                words.push(write.entry.as_deref().unwrap_or_default());
            }
            let late = late(names, &arrivals.marker);
            let keys = names.streams.iter().chain([&names.pending, &late, &calls]);
            let keys = keys.chain(arrivals.writes.iter().map(|write| &write.key));
            let reply = self.script_of(&self.scripts.accept, keys, &words).await?;
            let Value::Array(parts) = reply else { return Err(unexpected()) };
            let [what, Value::Int(length)] = &parts[..] else { return Err(unexpected()) };
            match text(what) {
                Some("marked") => Ok(Arrived::Marked),
                Some("full") => Ok(Arrived::Full),
                Some("later") => Ok(Arrived::Later),
                Some("again") => Ok(Arrived::Again),
                // Who sent it has gone on long ago.
                Some("late") => Err(StoreError::Timeout),
                Some(last) => {
                    let last = last.parse().map_err(|()| unexpected())?;
                    Ok(Arrived::Queued { last, length: u64::try_from(*length).unwrap_or(0) })
                }
                None => Err(unexpected()),
            }
        })
    }

    fn read<'s>(
        &'s self,
        names: &'s Names,
        shard: usize,
        lease: &'s Placeholder,
        portion: Portion,
    ) -> Reply<'s, Option<Vec<Record>>> {
        Box::pin(async move {
            let (Some(stream), Some(held)) = (names.streams.get(shard), names.leases.get(shard)) else {
                return Err(unexpected());
            };
            let (from, count, bytes) = (portion.from.to_string(), portion.count.to_string(), portion.bytes.to_string());
            let words: [&[u8]; 4] = [lease, from.as_bytes(), count.as_bytes(), bytes.as_bytes()];
            match self.script_of(&self.scripts.read, [stream, held, &names.void], &words).await? {
                Value::Nil => Ok(None),
                Value::Array(records) => {
                    let read: Option<Vec<Record>> = records.into_iter().map(record).collect();
                    read.map(Some).ok_or_else(unexpected)
                }
                _ => Err(unexpected()),
            }
        })
    }

    fn done<'s>(&'s self, names: &'s Names, shard: usize, lease: &'s Placeholder, done: &'s Done) -> Reply<'s, bool> {
        Box::pin(async move {
            let (Some(stream), Some(held)) = (names.streams.get(shard), names.leases.get(shard)) else {
                return Err(unexpected());
            };
            let mut words: Vec<Vec<u8>> = vec![lease.to_vec(), done.ids.len().to_string().into_bytes()];
            words.extend(done.ids.iter().map(|id| id.to_string().into_bytes()));
            words.push(done.flushed.len().to_string().into_bytes());
            for flushed in &done.flushed {
                words.push(flushed.id.to_string().into_bytes());
                words.push(flushed.fill.to_le_bytes().to_vec());
                words.push(flushed.px.map_or(0, millis).to_string().into_bytes());
            }
            for dead in &done.dead {
                words.push(dead.record.id.to_string().into_bytes());
                words.push(dead.fill.to_le_bytes().to_vec());
                words.push(dead.reason.clone().into_bytes());
                words.push(dead.record.entry.to_vec());
                let before = dead.before.as_ref();
                words.push(before.map(|before| before.id.to_string().into_bytes()).unwrap_or_default());
                words.push(before.map(|before| before.entry.to_vec()).unwrap_or_default());
            }
            let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
            let keys = [stream, held, &names.pending, &names.void, &names.dead].into_iter();
            let keys = keys.chain(done.flushed.iter().map(|flushed| &flushed.key));
            let keys = keys.chain(done.dead.iter().map(|dead| &dead.record.key));
            self.script_of(&self.scripts.done, keys, &words).await.map(|reply| reply == Value::Int(1))
        })
    }

    fn ends<'s>(&'s self, names: &'s Names) -> Reply<'s, Vec<Option<(Id, Id)>>> {
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(names.streams.len() * 2);
            for stream in &names.streams {
                commands.cmd("XRANGE").arg(&**stream).arg("-").arg("+").arg("COUNT").arg(1);
                commands.cmd("XREVRANGE").arg(&**stream).arg("+").arg("-").arg("COUNT").arg(1);
            }
            let mut replies = self.pipeline(&commands).await?.into_iter();
            let mut ends = Vec::new();
            while let (Some(first), Some(last)) = (replies.next(), replies.next()) {
                ends.push(end(&first?).zip(end(&last?)));
            }
            Ok(ends)
        })
    }

    fn lengths<'s>(&'s self, names: &'s Names) -> Reply<'s, Lengths> {
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(names.streams.len() + 1);
            for stream in names.streams.iter().chain([&names.dead]) {
                commands.cmd("XLEN").arg(&**stream);
            }
            let length = |reply: Result<Value, StoreError>| match reply? {
                Value::Int(length) => Ok(u64::try_from(length).unwrap_or(0)),
                _ => Err(unexpected()),
            };
            let mut lengths =
                self.pipeline(&commands).await?.into_iter().map(length).collect::<Result<Vec<u64>, StoreError>>()?;
            let dead = lengths.pop().unwrap_or(0);
            Ok(Lengths { queued: lengths.into_iter().sum(), dead })
        })
    }

    fn durability(&self) -> Reply<'_, Durability> {
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(3);
            commands.cmd("INFO").arg("memory").cmd("INFO").arg("persistence");
            commands.cmd("CONFIG").arg("GET").arg("appendfsync");
            let replies = self.pipeline(&commands).await?;
            if let Some(error) =
                replies.iter().filter_map(|reply| reply.as_ref().err()).find(|error| error.is_about_the_server())
            {
                return Err(error.clone());
            }
            // Not everybody may ask.
            let said = |at: usize, name: &str| {
                let info = text(replies.get(at)?.as_ref().ok()?)?;
                info.lines()
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                    .map(|said| said.trim().to_owned())
            };
            let fsync = replies.get(2).and_then(|reply| reply.as_ref().ok()).and_then(|reply| match reply {
                Value::Map(pairs) => text(&pairs.first()?.1).map(str::to_owned),
                Value::Array(words) => text(words.get(1)?).map(str::to_owned),
                _ => None,
            });
            let logged = said(1, "aof_enabled").map(|enabled| enabled == "1");
            Ok(Durability { eviction: said(0, "maxmemory_policy"), logged, fsync, volatile: false })
        })
    }

    fn overtake<'s>(&'s self, names: &'s Names, overtaken: &'s Overtaken) -> Reply<'s, ()> {
        Box::pin(async move {
            let (keys, words) = overtaking(names, overtaken);
            let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
            self.script_of(&self.scripts.overtake, &keys, &words).await.map(drop)
        })
    }
}

/// How long a call is known to be late: longer than a connection keeps what a server that stands still has not read.
const LATE: Duration = Duration::from_secs(3600);

/// How long a call that was queued is known: longer than anybody sends it again.
const KNOWN: Duration = Duration::from_secs(60);

/// So many calls of a process have their bits in one string.
const TOGETHER: u64 = 4096;

/// Where a call's bit is: tokens are numbered by process.
fn calls(names: &Names, marker: &Placeholder) -> (Arc<str>, u64) {
    let mut number = [0; 8];
    number.copy_from_slice(&marker[10..]);
    let number = u64::from_le_bytes(number);
    let process = hex(&marker[2..10]);
    (format!("{}{process}:{}", names.calls, number / TOGETHER).into(), number % TOGETHER)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// What a call is called that must not be queued any more.
fn late(names: &Names, marker: &Placeholder) -> Arc<str> {
    [&*names.late, &hex(marker)].concat().into()
}

/// The script's keys and arguments.
pub(super) fn overtaking(names: &Names, overtaken: &Overtaken) -> (Vec<Arc<str>>, Vec<Vec<u8>>) {
    let Overtaken { key, before, ago, unknown, .. } = overtaken;
    let mut keys = vec![Arc::clone(&names.pending), Arc::clone(&names.void), Arc::clone(key)];
    keys.extend(unknown.iter().map(|(marker, _)| late(names, marker)));
    let before = before.map(|before| before.to_string()).unwrap_or_default();
    let mut words = vec![before.into_bytes(), ago.as_millis().to_string().into_bytes()];
    words.push(millis(LATE).to_string().into_bytes());
    words.extend(unknown.iter().map(|(_, fill)| fill.to_le_bytes().to_vec()));
    (keys, words)
}
