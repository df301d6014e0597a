//! Stamps: what lets one deletion invalidate many entries, and nothing ever scan for them.
//!
//! A tag, and the whole prefix (its *epoch*), has a key of its own that holds a *stamp*: eight bytes that were never
//! used before. A load reads the stamps before it begins and its entry carries them; an entry whose stamps are not those
//! of now is a miss. So to invalidate is to delete the stamp's key, and whoever misses a stamp makes a new one.
//!
//! * Unique and not counted: a counter that is evicted starts again, and what it had invalidated is back.
//! * A missing stamp is a new one, never a match: eviction, expiry and `FLUSHALL` can only cause misses.
//! * Read before the load, not after: else a load that read the database before an invalidation would carry the stamp
//!   from after it.
//!
//! Where the keys are on several servers, the epoch has *copies* on others, each with a stamp of its own; an entry
//! carries all of them, and one that is known and is of now is enough. A clear deletes every one of them and is not
//! complete before, so whoever still finds any of them as it was may go on. Else the death of the one server with the
//! epoch would take everybody's hits along.
//!
//! The idea is FusionCache's tagging, with unique values in place of timestamps: clocks of several machines differ, and
//! "created after the invalidation" may still be "read before it".

mod latest;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use tokio::time::Instant;

use self::latest::Latest;
use crate::stamping::Stamping;
use crate::token::Token;

/// What a stamp's key holds.
pub type Stamp = u64;

/// A stamp to be read, or made where there is none.
#[derive(Clone, Debug)]
#[cfg_attr(not(any(feature = "memory", feature = "redis")), expect(dead_code, reason = "there is no store to ask"))]
pub struct Ask {
    /// The stamp's key.
    pub key: Arc<str>,
    /// What to put there where there is nothing.
    pub fresh: Stamp,
    /// How long a new one lives.
    pub px: Duration,
    /// Let an old one live that long again.
    pub extend: bool,
}

/// How long a stamp outlives the last entry that carries it, at least. One that expires costs misses.
pub(crate) const SLACK: Duration = Duration::from_secs(3600);

/// How long a process that reads the epoch keeps it alive.
const EPOCH_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// How often it does so.
const EPOCH_EXTENDED: Duration = Duration::from_secs(86_400);

/// How long a process may rely on the epoch that it has read: [`Cache::clear`](crate::Cache::clear) is complete when
/// everybody has had to read it anew. So a hit costs no second command, and no push has to arrive.
pub(crate) const EPOCH_LEASE: Duration = Duration::from_secs(1);

/// What a clear waits for: clocks may differ by a little in how fast they run.
pub(crate) const CLEARED: Duration = Duration::from_millis(1_050);

fn fresh() -> Stamp {
    Token::fresh().fill_id()
}

impl Ask {
    pub(crate) fn tag(key: &Arc<str>) -> Self {
        Self { key: Arc::clone(key), fresh: fresh(), px: SLACK, extend: false }
    }
}

/// The epoch as this process last read it.
#[derive(Debug)]
pub(crate) struct Epoch {
    key: Arc<str>,
    seen: Mutex<Seen>,
    /// What was seen last, without the lock.
    latest: Latest,
    copies: Vec<Epoch>,
    pub(crate) stamping: Stamping,
}

#[derive(Debug, Default)]
struct Seen {
    /// With the time at which the question was sent: what happened after that may be unknown.
    stamp: Option<(Stamp, Instant)>,
    extended: Option<Instant>,
    /// When everything that was known was forgotten: answers to questions from before are too.
    forgotten: Option<Instant>,
}

impl Epoch {
    pub(crate) fn new(key: Arc<str>, copies: Vec<Arc<str>>, stamping: Stamping) -> Self {
        let copies = copies.into_iter().map(|copy| Self::new(copy, Vec::new(), stamping)).collect();
        Self { key, seen: Mutex::default(), latest: Latest::new(), copies, stamping }
    }

    /// Its own key, then those of the copies.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        std::iter::once(&self.key).chain(self.copies.iter().map(|copy| &copy.key))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch, if it was read recently enough to rely on. `now` is what time it is.
    pub(crate) fn known(&self, now: Instant) -> Option<Stamp> {
        let lease = i64::try_from(EPOCH_LEASE.as_nanos()).unwrap_or(i64::MAX);
        self.latest.read(now).filter(|(_, age)| *age < lease).map(|(stamp, _)| stamp)
    }

    /// The question, where it has to be asked.
    pub(crate) fn ask(&self) -> Ask {
        let mut seen = self.seen();
        let extend = seen.extended.is_none_or(|at| at.elapsed() > EPOCH_EXTENDED);
        if extend {
            seen.extended = Some(Instant::now());
        }
        Ask { key: Arc::clone(&self.key), fresh: fresh(), px: EPOCH_LIFE, extend }
    }

    /// The answer to a question that was sent then. An answer that comes late does not replace that to a later one.
    pub(crate) fn answered(&self, stamp: Stamp, sent: Instant) {
        let sent = self.stamping.since(sent);
        let mut seen = self.seen();
        let late = seen.forgotten.is_some_and(|at| sent <= at) || seen.stamp.is_some_and(|(_, at)| sent <= at);
        if !late {
            seen.stamp = Some((stamp, sent));
            self.latest.write(seen.stamp);
        }
    }

    /// Nothing is known any more: the store was cleared, or is another one by now.
    pub(crate) fn forget(&self) {
        let mut seen = self.seen();
        seen.stamp = None;
        self.latest.write(None);
        seen.forgotten = Some(Instant::now());
        drop(seen);
        self.copies.iter().for_each(Self::forget);
    }
}

/// The stamps of one call: what its entry must carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps {
    /// `None`: not known.
    pub(crate) epoch: Option<Stamp>,
    /// Of the epoch's copies, in their order.
    copies: Vec<(Arc<str>, Option<Stamp>)>,
    /// By key, so that two functions that name the same tags in another order agree.
    tags: Vec<(Arc<str>, Option<Stamp>)>,
}

impl Stamps {
    pub(crate) fn new(epoch: &Epoch, tags: Vec<Arc<str>>) -> Self {
        let mut stamps = Self::of(tags);
        stamps.recall(epoch, Instant::now());
        stamps
    }

    /// Those of a call with these tags, before it looks: none of them is known yet.
    pub(crate) fn of(tags: Vec<Arc<str>>) -> Self {
        let mut stamps = Self::default();
        if !tags.is_empty() {
            stamps.name(tags);
        }
        stamps
    }

    /// The epoch as far as it was read recently. `now` is what time it is.
    pub(crate) fn recall(&mut self, epoch: &Epoch, now: Instant) {
        self.epoch = epoch.known(now);
        self.copies.clear();
        self.copies.extend(epoch.copies.iter().map(|copy| (Arc::clone(&copy.key), copy.known(now))));
    }

    /// Sets the tags, none of which is known yet.
    pub(crate) fn name(&mut self, mut tags: Vec<Arc<str>>) {
        tags.sort_unstable();
        tags.dedup();
        self.tags = tags.into_iter().map(|tag| (tag, None)).collect();
    }

    pub(crate) fn tagged(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Whether every stamp is known that has to be: else nothing is served and nothing stored.
    pub(crate) fn known(&self) -> bool {
        (self.epoch.is_some() || self.copies.iter().any(|(_, stamp)| stamp.is_some()))
            && self.tags.iter().all(|(_, stamp)| stamp.is_some())
    }

    /// What has to be read along with the entry: the tags with every look, the epoch now and then.
    pub(crate) fn asks(&self, epoch: &Epoch) -> Vec<Ask> {
        // Of most calls' most looks.
        if self.known() && self.copies.is_empty() && self.tags.is_empty() {
            return Vec::new();
        }
        let copies = epoch.copies.iter().zip(&self.copies);
        let copies = copies.filter(|(_, (_, known))| known.is_none()).map(|(copy, _)| copy.ask());
        let epoch = self.epoch.is_none().then(|| epoch.ask());
        epoch.into_iter().chain(copies).chain(self.tags.iter().map(|(tag, _)| Ask::tag(tag))).collect()
    }

    /// The answers to those.
    pub(crate) fn answered(&mut self, answers: &[Option<Stamp>], epoch: &Epoch, sent: Instant) {
        let mut answers = answers.iter().copied();
        if self.epoch.is_none() {
            self.epoch = answers.next().flatten();
            if let Some(stamp) = self.epoch {
                epoch.answered(stamp, sent);
            }
        }
        for (copy, (_, stamp)) in epoch.copies.iter().zip(&mut self.copies).filter(|(_, (_, stamp))| stamp.is_none()) {
            *stamp = answers.next().flatten();
            stamp.iter().for_each(|stamp| copy.answered(*stamp, sent));
        }
        for ((_, stamp), answer) in self.tags.iter_mut().zip(answers) {
            *stamp = answer;
        }
    }

    /// The same where many calls asked together.
    pub(crate) fn answered_among(&mut self, asks: &[Ask], answers: &[Option<Stamp>], epoch: &Epoch, sent: Instant) {
        let of = |key: &Arc<str>| asks.iter().zip(answers).find(|(ask, _)| ask.key == *key)?.1.as_ref().copied();
        if self.epoch.is_none() {
            self.epoch = of(&epoch.key);
            if let Some(stamp) = self.epoch {
                epoch.answered(stamp, sent);
            }
        }
        for (copy, (key, stamp)) in epoch.copies.iter().zip(&mut self.copies).filter(|(_, (_, stamp))| stamp.is_none())
        {
            *stamp = of(key);
            stamp.iter().for_each(|stamp| copy.answered(*stamp, sent));
        }
        for (tag, stamp) in &mut self.tags {
            *stamp = of(tag);
        }
    }

    /// The tags' keys.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tags.iter().map(|(tag, _)| tag)
    }

    /// The names of the stamps that make an entry one of now: the tags', and one of the epoch's.
    pub(crate) fn relied_on<'s>(&'s self, epoch: &'s Epoch) -> impl Iterator<Item = &'s Arc<str>> {
        let copy = self.copies.iter().find(|(_, stamp)| self.epoch.is_none() && stamp.is_some());
        std::iter::once(copy.map_or(&epoch.key, |(copy, _)| copy)).chain(self.tags())
    }

    /// The keys that must outlive an entry that lives so long: those of its tags, and the epoch's where it would not
    /// anyhow.
    pub(crate) fn outliving(&self, px: Option<Duration>, epoch: &Epoch) -> Vec<Arc<str>> {
        let long = px.is_none_or(|px| px > EPOCH_LIFE / 2);
        self.tags().chain(long.then_some(epoch).into_iter().flat_map(Epoch::keys)).cloned().collect()
    }

    /// Whether an entry with this epoch and these tags is one of now.
    pub(crate) fn cover(&self, epoch: Stamp, tags: &Tags) -> bool {
        let mut carried = tags.iter();
        let tagged = self.tags.iter().all(|(tag, stamp)| {
            carried.next().is_some_and(|(name, carried)| name == &**tag && Some(carried) == *stamp)
        });
        let mut of_now = self.epoch == Some(epoch);
        tagged
            && carried.all(|(name, carried)| {
                let copy = self.copies.iter().find(|(copy, _)| **copy == *name);
                of_now |= copy.is_some_and(|(_, stamp)| *stamp == Some(carried));
                copy.is_some()
            })
            && of_now
    }

    /// The tags as an entry carries them.
    pub(crate) fn written(&self) -> Tags {
        let mut bytes = Vec::new();
        let copies = self.copies.iter().filter(|(_, stamp)| stamp.is_some());
        for (tag, stamp) in self.tags.iter().chain(copies) {
            // A key is no longer than a prefix and 200 bytes; a tag that is would never be read back as itself.
            bytes.put_u16_le(u16::try_from(tag.len()).unwrap_or(0));
            bytes.put_slice(tag.as_bytes());
            bytes.put_u64_le(stamp.unwrap_or_default());
        }
        Tags(bytes.into())
    }
}

/// The tags that an entry carries: their keys and stamps, in bytes.
///
/// With the keys, so that whoever reads an entry without knowing its function can still ask whether it is of now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(pub(crate) Bytes);

impl Tags {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Stamp)> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk()?;
            let (name, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            let (stamp, after) = after.split_first_chunk()?;
            rest = after;
            Some((std::str::from_utf8(name).ok()?, Stamp::from_le_bytes(*stamp)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(epoch: Stamp, tags: &[(&str, Stamp)]) -> Stamps {
        let mut stamps = Stamps { epoch: Some(epoch), ..Stamps::default() };
        stamps.name(tags.iter().map(|(tag, _)| Arc::from(*tag)).collect());
        for (tag, stamp) in &mut stamps.tags {
            *stamp = tags.iter().find(|(name, _)| *name == &**tag).map(|(_, stamp)| *stamp);
        }
        stamps
    }

    #[test]
    fn an_entry_is_of_now_when_every_stamp_is() {
        let now = stamps(1, &[("b", 3), ("a", 2)]);
        assert!(now.cover(1, &stamps(1, &[("a", 2), ("b", 3)]).written()));
        assert!(!now.cover(9, &now.written()), "of another epoch");
        assert!(!now.cover(1, &stamps(1, &[("a", 2), ("b", 9)]).written()), "a tag was invalidated");
        assert!(!now.cover(1, &stamps(1, &[("a", 2)]).written()), "stored without one of the tags");
        assert!(!stamps(1, &[("a", 2)]).cover(1, &now.written()), "a tag that this call does not know");
        assert!(!Stamps::default().cover(0, &Tags::default()), "nothing is known");
        assert!(stamps(1, &[]).cover(1, &Tags::default()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_epoch_is_relied_on_for_as_long_as_its_lease_and_no_longer() {
        let epoch = Epoch::new("e".into(), Vec::new(), Stamping::ByTheRule);
        assert_eq!(epoch.known(Instant::now()), None);
        let sent = Instant::now();
        tokio::time::advance(EPOCH_LEASE / 2).await;
        epoch.answered(7, sent);
        assert_eq!(epoch.known(Instant::now()), Some(7));
        tokio::time::advance(EPOCH_LEASE / 2).await;
        assert_eq!(epoch.known(Instant::now()), None, "from when it was asked for, not from when the answer came");
        let later = Instant::now();
        epoch.answered(8, later);
        epoch.answered(7, sent);
        assert_eq!(epoch.known(Instant::now()), Some(8), "a late answer is an old one");
        epoch.forget();
        epoch.answered(8, later);
        assert_eq!(epoch.known(Instant::now()), None, "asked for before it was forgotten");
        assert!(epoch.ask().extend);
        assert!(!epoch.ask().extend);
    }

    fn copied(epoch: Option<Stamp>, copies: [Option<Stamp>; 2], tags: &[(&str, Stamp)]) -> Stamps {
        let copies = ["e{1}", "e{2}"].into_iter().zip(copies);
        Stamps { epoch, copies: copies.map(|(key, stamp)| (key.into(), stamp)).collect(), ..stamps(0, tags) }
    }

    #[test]
    fn one_copy_of_the_epoch_that_is_known_and_of_now_is_enough() {
        let tags = &[("a", 4)];
        let stored = copied(Some(1), [Some(2), Some(3)], tags).written();
        assert!(copied(Some(1), [None, None], tags).cover(1, &stored));
        assert!(copied(None, [None, Some(3)], tags).cover(1, &stored));
        assert!(copied(Some(9), [Some(9), Some(3)], tags).cover(1, &stored), "a clear has not come to its end");
        assert!(!copied(Some(9), [Some(9), Some(9)], tags).cover(1, &stored), "it has");
        assert!(!copied(None, [None, None], tags).cover(1, &stored), "nothing is known");
        assert!(!copied(Some(1), [Some(2), Some(3)], &[("a", 9)]).cover(1, &stored), "a tag was invalidated");
        assert!(!copied(Some(1), [Some(2), Some(3)], &[]).cover(1, &stored), "a tag that this call does not know");
        let without = copied(None, [Some(2), None], tags).written();
        assert!(!copied(Some(1), [None, Some(3)], tags).cover(0, &without), "stored while the others were away");
        assert!(copied(None, [Some(2), Some(3)], tags).cover(0, &without));
    }
}
