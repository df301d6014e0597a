//! One outage, and what is promised of it.
#![allow(dead_code, reason = "the example prints what the test only judges")]

use std::time::{Duration, Instant};

use cached_runtime::{Cache, Health};
use tokio::time::{interval, sleep};

use crate::callers::{Crowd, Work};
use crate::record::{Call, Moments, Record, Spread};
use crate::support::Redis;

/// What an operation may take, by default.
pub const DEADLINE: Duration = Duration::from_millis(100);

/// So many failures give the server up: whoever had one before may ask once more.
const FAILURES: usize = 5;

const SECOND: Duration = Duration::from_secs(1);

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `SIGKILL`, and after a while a new server on the same port.
    Killed,
    /// `SIGSTOP`, and after a while `SIGCONT`.
    Hung,
}

impl Fault {
    pub fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Hung => "hung",
        }
    }

    fn begin(self, redis: &mut Redis) {
        match self {
            Self::Killed => redis.kill(),
            Self::Hung => redis.pause(),
        }
    }

    /// Returns when the server answers again.
    fn end(self, redis: &mut Redis) {
        match self {
            Self::Killed => redis.restart(),
            Self::Hung => redis.resume(),
        }
    }
}

/// How long each part lasts.
#[derive(Clone, Copy, Debug)]
pub struct Lengths {
    /// With a healthy Redis, before.
    pub before: Duration,
    /// Without it: more than the second after which nothing is to be noticed any more.
    pub outage: Duration,
    pub after: Duration,
}

/// Callers without a cache, beside the others: what a load takes here and now.
const BARE: Crowd = Crowd::Apart(128);

/// Redis goes and comes back under callers of a cache with the default settings.
/// Also what the same database gives to callers without a cache meanwhile, under the same bound.
pub async fn outage(crowd: Crowd, fault: Fault, lengths: Lengths) -> (Record, Record) {
    let mut redis = Redis::start();
    let cache = Cache::builder().redis(redis.url()).build().expect("a URL");
    let start = Instant::now();
    let work = Work::begin(start, crowd, &cache, false);
    let bare = Work::begin(start, BARE, &Cache::disabled(), true);
    sleep(lengths.before).await;

    let mut moments = Moments { fault: work.now(), ..Moments::default() };
    tokio::task::block_in_place(|| fault.begin(&mut redis));
    let mut looks = interval(Duration::from_millis(1));
    while work.now() < moments.fault + lengths.outage {
        looks.tick().await;
        if moments.opened.is_none() && cache.health() != Health::Up {
            moments.opened = Some(work.now());
        }
    }
    moments.over = work.now();
    tokio::task::block_in_place(|| fault.end(&mut redis));
    moments.back = work.now();
    sleep(lengths.after).await;
    let mut record = work.end().await;
    moments.end = record.moments.end;
    record.moments = moments;
    (record, bare.end().await)
}

/// What is judged, and printed.
pub struct Verdict {
    /// Callers without a cache, at the same time: what the promises call a load.
    pub load: Spread,
    pub calls: usize,
    pub before: Spread,
    pub first_second: Spread,
    pub afterwards: Spread,
    /// Of ten thousand calls after the first second, so many waited for more than one load.
    pub late: usize,
    /// Calls that waited for the server.
    pub paid: usize,
    pub wrong: usize,
    pub at_a_time: usize,
    pub first_hit: Option<Duration>,
    pub broken: Vec<String>,
}

impl Verdict {
    /// `slack` is what a busy machine may add. With any, who waited for the server is not asked: there a call may take as
    /// long for other reasons.
    pub fn on(crowd: Crowd, record: &Record, bare: &Record, slack: Duration) -> Self {
        let Moments { fault, opened, over, back, end } = record.moments;
        let took = |from, until| Spread::of(record.within(from, until).map(|call: &Call| call.took));
        let late = record.late(record.within(fault + SECOND, over), |caller| crowd.key(caller));
        let loads = |from, until| Spread::of(bare.within(from, until).map(|call| call.took));
        let paid = |call: &&Call| call.took >= DEADLINE * 9 / 10;
        let mut verdict = Self {
            load: loads(fault, over),
            calls: record.calls.len(),
            before: took(Duration::ZERO, fault),
            first_second: took(fault, fault + SECOND),
            afterwards: took(fault + SECOND, over),
            late: late * 10_000 / record.within(fault + SECOND, over).count().max(1),
            paid: record.within(fault.saturating_sub(DEADLINE), over).filter(paid).count(),
            wrong: record.calls.iter().filter(|call| !call.right).count(),
            at_a_time: record.at_a_time,
            first_hit: record.first_hit_after(back).map(|at| at.saturating_sub(back)),
            broken: Vec::new(),
        };
        let in_vain =
            opened.map_or(0, |opened| record.within(opened + Duration::from_millis(2), over).filter(paid).count());
        verdict.expect(verdict.calls > 0 && end > back, "nothing was called".to_owned());
        verdict.expect(verdict.wrong == 0, format!("{} calls returned something else than a row", verdict.wrong));
        verdict.expect(opened.is_some(), "the breaker did not open".to_owned());
        verdict.expect(
            verdict.first_second.p99 <= loads(fault, fault + SECOND).p99 + DEADLINE + slack,
            "the first second's p99 is above a load and the deadline".to_owned(),
        );
        verdict.expect(
            verdict.afterwards.p99 <= loads(fault + SECOND, over).p99 + Duration::from_millis(1) + slack,
            "the p99 after the first second is above a load and a millisecond".to_owned(),
        );
        verdict.expect(
            slack > Duration::ZERO || in_vain == 0,
            format!("{in_vain} calls waited for a server that was given up already"),
        );
        verdict.expect(
            slack > Duration::ZERO || verdict.paid < crowd.callers() + FAILURES,
            format!(
                "{} calls waited for the server, more than there were at a time; it was given up after {:?}, and {in_vain} \
                 of them began later",
                verdict.paid,
                opened.map(|opened| opened.saturating_sub(fault)),
            ),
        );
        // One in a hundred is one too many; a worker that is held up holds its callers up.
        let too_many = if slack > Duration::ZERO { 1_000 } else { 100 };
        verdict.expect(verdict.late < too_many, format!("{} of 10 000 calls waited for two loads", verdict.late));
        verdict.expect(verdict.at_a_time <= 1, format!("{} loads of one key at a time", verdict.at_a_time));
        verdict.expect(
            verdict.first_hit.is_some_and(|hit| hit <= SECOND + slack),
            "no hit within a second of the server's return".to_owned(),
        );
        verdict.expect(record.over_bound == 0, format!("{} loads ran over the bound", record.over_bound));
        verdict
    }

    fn expect(&mut self, holds: bool, otherwise: String) {
        if !holds {
            self.broken.push(otherwise);
        }
    }
}
