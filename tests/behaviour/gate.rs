//! Loads that stand still until the test lets them go on, so that "meanwhile" needs no sleep.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

#[derive(Clone, Debug)]
pub struct Gate {
    entered: watch::Sender<u64>,
    /// How many loads may go on.
    open: watch::Sender<u64>,
}

impl Gate {
    pub fn closed() -> Self {
        Self { entered: watch::Sender::new(0), open: watch::Sender::new(0) }
    }

    /// In a load: says that it has begun, then waits.
    pub async fn pass(&self) {
        let mut turn = 0;
        self.entered.send_modify(|loads| {
            turn = *loads;
            *loads += 1;
        });
        self.open.subscribe().wait_for(|open| turn < *open).await.expect("the gate itself keeps the channel open");
    }

    /// Waits until so many loads have begun.
    pub async fn entered(&self, loads: u64) {
        let mut entered = self.entered.subscribe();
        let begun = timeout(Duration::from_secs(10), entered.wait_for(|begun| *begun >= loads)).await;
        assert!(begun.is_ok(), "{} of {loads} loads began", self.loads());
    }

    /// How many loads have begun.
    pub fn loads(&self) -> u64 {
        *self.entered.borrow()
    }

    /// Lets the load go on that came first of those that still stand.
    pub fn let_one_on(&self) {
        self.open.send_modify(|open| *open += 1);
    }

    /// Lets all go on, now and later.
    pub fn open(&self) {
        self.open.send_replace(u64::MAX);
    }
}
