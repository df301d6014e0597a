//! Queues in this process, with the semantics of those in Redis: but they end with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{MemoryStore, ready};
use crate::clock::Millis;
use crate::entry::{self, Turn};
use crate::store::queues::{
    Arrivals, Arrived, Dead, Done, Durability, Flushed, Id, Lengths, Names, Overtaken, Portion, Queues, Record,
};
use crate::store::{Placeholder, Reply};

/// All queues of one store, by the names of their parts. Locked before any entry's stripe.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Parts>);

/// Keys and entries.
type Stream = BTreeMap<Id, (Arc<str>, Bytes)>;

#[derive(Debug, Default)]
struct Parts {
    streams: HashMap<Arc<str>, Stream>,
    pending: HashMap<Arc<str>, HashMap<Arc<str>, Id>>,
    void: HashMap<Arc<str>, HashMap<Arc<str>, Id>>,
    dead: HashMap<Arc<str>, Vec<Dead>>,
    last: Option<Id>,
}

impl Held {
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    /// Larger than any before.
    fn next(&mut self) -> Id {
        let now = Millis::now().0;
        let id = match self.last {
            Some(last) if last.millis >= now => Id { number: last.number + 1, ..last },
            _ => Id { millis: now, number: 0 },
        };
        self.last = Some(id);
        id
    }

    fn length(&self, names: &Names) -> u64 {
        let lengths =
            names.streams.iter().filter_map(|stream| self.streams.get(stream)).map(|stream| stream.len() as u64);
        lengths.sum()
    }

    fn pending(&self, names: &Names, key: &str) -> Option<Id> {
        self.pending.get(&names.pending)?.get(key).copied()
    }

    fn append(&mut self, names: &Names, shard: usize, key: &Arc<str>, entry: &Bytes, replaced: Option<Id>) -> Id {
        let id = self.next();
        if let Some(stream) = names.streams.get(shard) {
            let stream = self.streams.entry(Arc::clone(stream)).or_default();
            stream.insert(id, (Arc::clone(key), entry.clone()));
            replaced.and_then(|replaced| stream.remove(&replaced));
        }
        self.pending.entry(Arc::clone(&names.pending)).or_default().insert(Arc::clone(key), id);
        id
    }

    /// The key has no write later than this one.
    fn settle(&mut self, names: &Names, key: &str, id: Id) {
        let Some(pending) = self.pending.get_mut(&names.pending).filter(|pending| pending.get(key) == Some(&id)) else {
            return;
        };
        pending.remove(key);
        if let Some(void) = self.void.get_mut(&names.void) {
            void.remove(key);
        }
    }
}

impl Parts {
    /// An earlier write is the last one of the key.
    fn fall_back(&mut self, names: &Names, key: &Arc<str>, from: Id, to: Id) {
        if let Some(pending) = self.pending.get_mut(&names.pending).filter(|pending| pending.get(key) == Some(&from)) {
            pending.insert(Arc::clone(key), to);
        }
    }
}

impl MemoryStore {
    fn holds(&self, names: &Names, shard: usize, lease: &Placeholder) -> bool {
        names.leases.get(shard).and_then(|name| self.live(name)).is_some_and(|held| held[..] == lease[..])
    }

    /// A key is in the database as it was taken.
    fn flushed(&self, flushed: &Flushed) {
        self.step(&flushed.key, |held| {
            let fill = held.as_ref().and_then(entry::queued_fill);
            match (held, fill) {
                (Some(held), Some(fill)) if fill == flushed.fill && entry::is_kept(&held) => {
                    self.set(&flushed.key, entry::turned(&held, Turn::Clean), flushed.px);
                }
                // A later write of it is queued.
                (_, Some(fill)) if fill != flushed.fill => return ((), false),
                // It was invalidated, or lost: what was loaded since may be from before this write.
                _ => drop(self.entries.remove(&*flushed.key)),
            }
            ((), true)
        });
    }
}

impl Queues for MemoryStore {
    fn accept<'s>(&'s self, names: &'s Names, arrivals: &'s Arrivals) -> Reply<'s, Arrived> {
        let mut parts = self.queues.parts();
        let pending = |parts: &Parts, key: &str| parts.pending(names, key);
        let writes = &arrivals.writes;
        let queued = writes.iter().filter(|write| pending(&parts, &write.key).is_some()).count();
        let direct = writes.iter().any(|write| write.entry.is_none());
        let written = writes.iter().any(|write| {
            pending(&parts, &write.key).is_none() && self.live(&write.key).is_some_and(|held| entry::is_writer(&held))
        });
        let full = parts.length(names) >= arrivals.most;
        if queued > 0 && (direct || written) {
            return ready(Arrived::Later);
        }
        if queued == 0 && full && !direct && !written && !arrivals.marks {
            return ready(Arrived::Full);
        }
        if direct || written || (full && queued == 0) {
            for write in writes {
                self.step(&write.key, |_| {
                    (self.set(&write.key, Bytes::copy_from_slice(&arrivals.marker), Some(arrivals.px)), true)
                });
            }
            return ready(Arrived::Marked);
        }
        let mut last = Id { millis: 0, number: 0 };
        for write in writes {
            let Some(entry) = &write.entry else { continue };
            let replaced = pending(&parts, &write.key).filter(|_| full && arrivals.replaces);
            last = parts.append(names, write.shard, &write.key, entry, replaced);
            self.step(&write.key, |_| (self.set(&write.key, entry.clone(), None), true));
        }
        ready(Arrived::Queued { last, length: parts.length(names) })
    }

    fn read<'s>(
        &'s self,
        names: &'s Names,
        shard: usize,
        lease: &'s Placeholder,
        portion: Portion,
    ) -> Reply<'s, Option<Vec<Record>>> {
        if !self.holds(names, shard, lease) {
            return ready(None);
        }
        let parts = self.queues.parts();
        let void = parts.void.get(&names.void);
        let stream = names.streams.get(shard).and_then(|stream| parts.streams.get(stream));
        let mut records = Vec::new();
        let mut bytes = 0;
        for (id, (key, entry)) in stream.into_iter().flat_map(|stream| stream.range(portion.from..)).take(portion.count)
        {
            bytes += entry.len();
            if bytes > portion.bytes && !records.is_empty() {
                break;
            }
            let void = void.and_then(|void| void.get(key)).is_some_and(|upto| id <= upto);
            records.push(Record { id: *id, key: Arc::clone(key), entry: entry.clone(), void });
        }
        ready(Some(records))
    }

    fn done<'s>(&'s self, names: &'s Names, shard: usize, lease: &'s Placeholder, done: &'s Done) -> Reply<'s, bool> {
        if !self.holds(names, shard, lease) {
            return ready(false);
        }
        let mut parts = self.queues.parts();
        if let Some(stream) = names.streams.get(shard).and_then(|stream| parts.streams.get_mut(stream)) {
            for id in &done.ids {
                stream.remove(id);
            }
        }
        for flushed in &done.flushed {
            parts.settle(names, &flushed.key, flushed.id);
            self.flushed(flushed);
        }
        for dead in &done.dead {
            match &dead.before {
                None => parts.settle(names, &dead.record.key, dead.record.id),
                Some(before) => parts.fall_back(names, &dead.record.key, dead.record.id, before.id),
            }
            parts.dead.entry(Arc::clone(&names.dead)).or_default().push(dead.clone());
            self.step(&dead.record.key, |held| {
                let mine = held.as_ref().and_then(entry::queued_fill) == Some(dead.fill);
                match &dead.before {
                    Some(before) if mine => self.set(&dead.record.key, before.entry.clone(), None),
                    None if mine => drop(self.entries.remove(&*dead.record.key)),
                    _ => {}
                }
                ((), mine)
            });
        }
        ready(true)
    }

    fn ends<'s>(&'s self, names: &'s Names) -> Reply<'s, Vec<Option<(Id, Id)>>> {
        let parts = self.queues.parts();
        let ends = |stream: &Arc<str>| {
            let stream = parts.streams.get(stream)?;
            Some((*stream.first_key_value()?.0, *stream.last_key_value()?.0))
        };
        ready(names.streams.iter().map(ends).collect())
    }

    fn lengths<'s>(&'s self, names: &'s Names) -> Reply<'s, Lengths> {
        let parts = self.queues.parts();
        let dead = parts.dead.get(&names.dead).map_or(0, |dead| dead.len() as u64);
        ready(Lengths { queued: parts.length(names), dead })
    }

    fn durability(&self) -> Reply<'_, Durability> {
        ready(Durability { volatile: true, ..Durability::default() })
    }

    fn overtake<'s>(&'s self, _: &'s Names, _: &'s Overtaken) -> Reply<'s, ()> {
        // It is never away.
        ready(())
    }
}
