//! The right to read one shard: a lease that is renewed until it is given back or lost. Whoever has lost it neither removes
//! what is queued nor touches an entry: the store compares it with every step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::entry::{self, Before};
use crate::store::{Placeholder, Store, StoreError};
use crate::token::Token;

/// Dropped, it is no longer renewed.
#[derive(Debug)]
pub(super) struct Tenure {
    store: Arc<dyn Store>,
    name: Arc<str>,
    pub(super) lease: Placeholder,
    lost: watch::Receiver<bool>,
    watchdog: AbortHandle,
    /// A body was ended from outside: what it has sent to the database may still be carried out there.
    expires: AtomicBool,
    /// What is queued is for another worker.
    not_ours: AtomicBool,
}

impl Tenure {
    /// `None`: somebody else has it.
    pub(super) async fn take(
        store: &Arc<dyn Store>,
        name: &Arc<str>,
        px: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let lease = entry::lease(&Token::fresh(), Before::Nothing);
        let asked = Instant::now();
        match store.acquire(name, &lease, px, &[]).await {
            Ok(acquired) if acquired.held.is_none() => {}
            Ok(_) => return Ok(None),
            Err(error) => {
                // It may have been executed: else nobody reads the shard until it is over.
                let _given_back = store.release(name, &lease, None).await;
                return Err(error);
            }
        }
        let (say, lost) = watch::channel(false);
        let watchdog = watch_over(Arc::clone(store), Arc::clone(name), lease, px, asked, say);
        let watchdog = tokio::spawn(watchdog).abort_handle();
        Ok(Some(Self {
            store: Arc::clone(store),
            name: Arc::clone(name),
            lease,
            lost,
            watchdog,
            expires: AtomicBool::new(false),
            not_ours: AtomicBool::new(false),
        }))
    }

    pub(super) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Returns when it is somebody else's, or may be.
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.clone();
        let _ended = lost.wait_for(|lost| *lost).await;
    }

    /// The next one is to wait until it has run out, as after a crash: a statement under way would else come after newer
    /// values.
    pub(super) fn leave_to_expire(&self) {
        self.expires.store(true, Ordering::SeqCst);
    }

    /// The next one is to be another worker.
    pub(super) fn stand_off(&self) {
        self.not_ours.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_not_ours(&self) -> bool {
        self.not_ours.load(Ordering::SeqCst)
    }

    /// For the next one, at once.
    pub(super) async fn give_back(self) {
        self.watchdog.abort();
        if self.expires.load(Ordering::SeqCst) {
            return;
        }
        let _expires = self.store.release(&self.name, &self.lease, None).await;
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.watchdog.abort();
    }
}

/// Renews at a third. By our own clock it is over a little before the store's says so: nothing may begin then.
async fn watch_over(
    store: Arc<dyn Store>,
    name: Arc<str>,
    lease: Placeholder,
    px: Duration,
    mut since: Instant,
    lost: watch::Sender<bool>,
) {
    let patience = px.mul_f64(0.9);
    loop {
        let ends = since + patience;
        sleep((px / 3).min(ends.saturating_duration_since(Instant::now()))).await;
        let asked = Instant::now();
        match store.renew(&name, &lease, px).await {
            Ok(true) => since = asked,
            Ok(false) => break,
            Err(_) if asked >= ends => break,
            Err(_) => sleep(px / 20).await,
        }
    }
    lost.send_replace(true);
}
