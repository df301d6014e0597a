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
//! The idea is FusionCache's tagging, with unique values in place of timestamps: clocks of several machines differ, and
//! "created after the invalidation" may still be "read before it".

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use tokio::time::Instant;

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
    pub(crate) fn new(key: Arc<str>) -> Self {
        Self { key, seen: Mutex::default() }
    }

    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The epoch, if it was read recently enough to rely on.
    pub(crate) fn known(&self) -> Option<Stamp> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.stamp.filter(|(_, sent)| sent.elapsed() < EPOCH_LEASE).map(|(stamp, _)| stamp)
    }

    /// The question, where it has to be asked.
    pub(crate) fn ask(&self) -> Ask {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let extend = seen.extended.is_none_or(|at| at.elapsed() > EPOCH_EXTENDED);
        if extend {
            seen.extended = Some(Instant::now());
        }
        Ask { key: Arc::clone(&self.key), fresh: fresh(), px: EPOCH_LIFE, extend }
    }

    /// The answer to a question that was sent then. An answer that comes late does not replace that to a later one.
    pub(crate) fn answered(&self, stamp: Stamp, sent: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let late = seen.forgotten.is_some_and(|at| sent <= at) || seen.stamp.is_some_and(|(_, at)| sent <= at);
        if !late {
            seen.stamp = Some((stamp, sent));
        }
    }

    /// Nothing is known any more: the store was cleared, or is another one by now.
    pub(crate) fn forget(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.stamp = None;
        seen.forgotten = Some(Instant::now());
    }
}

/// The stamps of one call: what its entry must carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps {
    /// `None`: not known.
    pub(crate) epoch: Option<Stamp>,
    /// By key, so that two functions that name the same tags in another order agree.
    tags: Vec<(Arc<str>, Option<Stamp>)>,
}

impl Stamps {
    pub(crate) fn new(epoch: Option<Stamp>, tags: Vec<Arc<str>>) -> Self {
        let mut stamps = Self { epoch, tags: Vec::new() };
        stamps.name(tags);
        stamps
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

    /// Whether every stamp is known: else nothing is served and nothing stored.
    pub(crate) fn known(&self) -> bool {
        self.epoch.is_some() && self.tags.iter().all(|(_, stamp)| stamp.is_some())
    }

    /// What has to be read along with the entry: the tags with every look, the epoch now and then.
    pub(crate) fn asks(&self, epoch: &Epoch) -> Vec<Ask> {
        let epoch = self.epoch.is_none().then(|| epoch.ask());
        epoch.into_iter().chain(self.tags.iter().map(|(tag, _)| Ask::tag(tag))).collect()
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
        for (tag, stamp) in &mut self.tags {
            *stamp = of(tag);
        }
    }

    /// The tags' keys.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tags.iter().map(|(tag, _)| tag)
    }

    /// The keys that must outlive an entry that lives so long: those of its tags, and the epoch's where it would not
    /// anyhow.
    pub(crate) fn outliving(&self, px: Option<Duration>, epoch: &Epoch) -> Vec<Arc<str>> {
        let long = px.is_none_or(|px| px > EPOCH_LIFE / 2);
        self.tags().chain(long.then_some(&epoch.key)).cloned().collect()
    }

    /// Whether an entry with this epoch and these tags is one of now.
    pub(crate) fn cover(&self, epoch: Stamp, tags: &Tags) -> bool {
        let mut carried = tags.iter();
        self.epoch == Some(epoch)
            && self.tags.iter().all(|(tag, stamp)| {
                carried.next().is_some_and(|(name, carried)| name == &**tag && Some(carried) == *stamp)
            })
            && carried.next().is_none()
    }

    /// The tags as an entry carries them.
    pub(crate) fn written(&self) -> Tags {
        let mut bytes = Vec::new();
        for (tag, stamp) in &self.tags {
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
        let mut stamps = Stamps::new(Some(epoch), tags.iter().map(|(tag, _)| Arc::from(*tag)).collect());
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
        assert!(!Stamps::new(None, Vec::new()).cover(0, &Tags::default()), "nothing is known");
        assert!(stamps(1, &[]).cover(1, &Tags::default()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_epoch_is_relied_on_for_as_long_as_its_lease_and_no_longer() {
        let epoch = Epoch::new("e".into());
        assert_eq!(epoch.known(), None);
        let sent = Instant::now();
        tokio::time::advance(EPOCH_LEASE / 2).await;
        epoch.answered(7, sent);
        assert_eq!(epoch.known(), Some(7));
        tokio::time::advance(EPOCH_LEASE / 2).await;
        assert_eq!(epoch.known(), None, "from when it was asked for, not from when the answer came");
        let later = Instant::now();
        epoch.answered(8, later);
        epoch.answered(7, sent);
        assert_eq!(epoch.known(), Some(8), "a late answer is an old one");
        epoch.forget();
        epoch.answered(8, later);
        assert_eq!(epoch.known(), None, "asked for before it was forgotten");
        assert!(epoch.ask().extend);
        assert!(!epoch.ask().extend);
    }
}
