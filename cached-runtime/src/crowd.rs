//! Those who follow a load, until their calls end: who asks again at once is to share the next load from its beginning.
//!
//! Where the store is away nobody may join a load that runs. So if the first of a crowd that was given a result loaded at
//! once, the others would come too late for that load and wait for two. That first one may be alone for long: the others
//! are woken one by one, by a thread that has to give its core away as soon as it has woken another. So they are counted,
//! and waited for asleep: whoever looks for them in a loop may keep that very core from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

/// So long after a load's end the next one begins, whoever is missing: a call may be held up for any reason.
const MOMENT: Duration = Duration::from_millis(1);

/// One of so many is not waited for: to all the others that would cost more than a load costs it. That is how many a
/// thread without a core can hold up at all, since what it has not begun with, other threads take over.
const STRAGGLERS: usize = 32;

/// So many rounds of the scheduler after the last call ended, whoever has not asked again does something else.
const ROUNDS: u32 = 16;

/// Those who follow one load.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    seats: AtomicUsize,
    /// Who are no more than this are not waited for. Known when the load has ended.
    stragglers: AtomicUsize,
    left: Notify,
}

/// A place in a crowd: taken by a call that begins to follow, or when its load ends, and given back when the call ends.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Crowd>);

impl Seat {
    pub(crate) fn take(crowd: &Arc<Crowd>) -> Self {
        crowd.seats.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(crowd))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let seats = self.0.seats.fetch_sub(1, Ordering::Relaxed) - 1;
        if seats == self.0.stragglers.load(Ordering::Relaxed) {
            self.0.left.notify_one();
        }
    }
}

impl Crowd {
    pub(crate) fn seated(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }
}

/// A crowd whose load has ended.
#[derive(Debug)]
pub(crate) struct Leaving {
    crowd: Arc<Crowd>,
    followers: usize,
    landed: Instant,
}

impl Leaving {
    /// `None` where nobody followed.
    pub(crate) fn of(crowd: &Arc<Crowd>) -> Option<Self> {
        let followers = crowd.seated();
        crowd.stragglers.store(followers / STRAGGLERS, Ordering::Relaxed);
        (followers > 0).then(|| Self { crowd: Arc::clone(crowd), followers, landed: Instant::now() })
    }

    /// Whether so many of their calls have not ended yet that they are waited for.
    pub(crate) fn is_leaving(&self) -> bool {
        self.crowd.seated() > self.crowd.stragglers.load(Ordering::Relaxed)
    }

    /// Lets them ask again: until their calls have ended, and as many have come to the next load as left the last, or
    /// nobody comes any more.
    pub(crate) async fn gather(&self, next: &Crowd) {
        let over = self.landed + MOMENT;
        while self.is_leaving() {
            if Instant::now() >= over || timeout_at(over, self.crowd.left.notified()).await.is_err() {
                return;
            }
        }
        for _ in 0..ROUNDS {
            if next.seated() >= self.followers || Instant::now() >= over {
                return;
            }
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;

    fn is_over(gathering: Pin<&mut impl Future<Output = ()>>) -> bool {
        gathering.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// A load has ended that so many followed, and these are their seats and the leader's.
    fn landed(followers: usize) -> (Leaving, Vec<Seat>) {
        let crowd = Arc::<Crowd>::default();
        let mut seats: Vec<_> = (0..followers).map(|_| Seat::take(&crowd)).collect();
        let leaving = Leaving::of(&crowd).expect("somebody followed");
        seats.push(Seat::take(&crowd));
        (leaving, seats)
    }

    #[test]
    fn a_load_that_nobody_followed_is_no_reason_to_wait() {
        assert!(Leaving::of(&Arc::default()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_load_begins_when_all_who_shared_the_last_one_have_asked_again() {
        let next = Arc::<Crowd>::default();
        let (leaving, mut seats) = landed(3);
        let mut gathering = std::pin::pin!(leaving.gather(&next));
        // The first of them leads.
        drop(seats.pop());
        let mut here = Vec::new();
        while let Some(seat) = seats.pop() {
            // However long the others have nothing to do: who is on its way is not on this thread.
            for _ in 0..1_000 {
                assert!(!is_over(gathering.as_mut()));
            }
            drop(seat);
            here.push(Seat::take(&next));
        }
        assert!(is_over(gathering));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_load_waits_for_a_moment_at_most() {
        let (leaving, _seats) = landed(3);
        let began = Instant::now();
        leaving.gather(&Crowd::default()).await;
        assert!((MOMENT..=MOMENT * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert!(is_over(std::pin::pin!(leaving.gather(&Crowd::default()))), "the moment is over");
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_load_does_not_wait_for_those_who_do_something_else() {
        let (leaving, seats) = landed(3);
        drop(seats);
        let began = Instant::now();
        leaving.gather(&Crowd::default()).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_wait_for_one_of_its_number() {
        let (leaving, mut seats) = landed(63);
        let next = Arc::<Crowd>::default();
        let _here: Vec<_> = (0..62).map(|_| Seat::take(&next)).collect();
        let began = Instant::now();
        seats.truncate(2);
        assert!(leaving.is_leaving());
        seats.pop();
        leaving.gather(&next).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
