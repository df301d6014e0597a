//! A write marker: hides what it was put over, and is kept alive until dropped.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::entry::Placeholder;
use crate::policy::Policy;
use crate::stamp::Stamps;
use crate::store::Store;

#[derive(Debug)]
pub(crate) struct Marker {
    pub(crate) placeholder: Placeholder,
    /// What an entry that takes its place must carry.
    pub(crate) stamps: Stamps,
    watchdog: AbortHandle,
}

impl Marker {
    /// The store has put it over these keys.
    pub(crate) fn keep(
        store: &Arc<dyn Store>,
        keys: &[Arc<str>],
        placeholder: Placeholder,
        stamps: Stamps,
        policy: Policy,
        runtime: &Handle,
    ) -> Self {
        let watchdog = renew(Arc::clone(store), keys.to_vec(), placeholder, policy);
        Self { placeholder, stamps, watchdog: runtime.spawn(watchdog).abort_handle() }
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        self.watchdog.abort();
    }
}

/// Renews markers at a third of their lease until the write has ended or has taken too long. One that is lost is left to
/// whoever has its place.
async fn renew(store: Arc<dyn Store>, keys: Vec<Arc<str>>, placeholder: Placeholder, policy: Policy) {
    let began = Instant::now();
    while began.elapsed() < policy.load_timeout {
        sleep(policy.lease / 3).await;
        for key in &keys {
            let _kept = store.renew(key, &placeholder, policy.lease).await;
        }
    }
}
