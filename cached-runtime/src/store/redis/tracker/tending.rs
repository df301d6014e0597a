//! The task that keeps a tracking connection open for the local tier, and knows that it is.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisError};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::{Open, RETRY, Tracking};
use crate::store::Pulse;
use crate::ticks;

/// Between two pings.
const BEAT: Duration = Duration::from_millis(250);
/// A ping that takes longer proves nothing any more.
const LATE: Duration = Duration::from_millis(900);

/// Begins to tend it, in the caller's runtime.
pub(super) fn start(tracking: &Arc<Tracking>) -> AbortHandle {
    let tracking = Arc::clone(tracking);
    let tend = async move {
        loop {
            if let Ok(open) = tracking.connection().await {
                let _end = End(&open.pulse);
                tracking.tend(&open).await;
                tracking.forget(&open).await;
            }
            sleep(RETRY.mul_f64(0.1 + 0.2 * fastrand::f64())).await;
        }
    };
    Handle::current().spawn(tend).abort_handle()
}

/// With the task, which its runtime may end at any time, nobody knows any more whether the connection lives.
struct End<'p>(&'p Pulse);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Tracking {
    /// Returns when the connection is of no more use.
    async fn tend(&self, open: &Open) {
        while !open.pulse.has_ended() {
            // A server that is given up is not to be trusted here either: invalidations may not land there.
            if !self.breaker.is_open() {
                let sent = ticks::now();
                match timeout(LATE, self.ping(open)).await {
                    Ok(Ok(())) => open.pulse.beat(sent),
                    Ok(Err(error)) if !error.is_io_error() => {}
                    _ => return,
                }
            }
            let _ = timeout(BEAT, open.over.notified()).await;
        }
    }

    /// Asks for something that a server of a cluster refuses once it finds itself cut off from the others.
    async fn ping(&self, open: &Open) -> Result<(), RedisError> {
        let ping = match self.share.probe().filter(|_| !self.share.is_everything()) {
            Some(probe) => Cmd::get(&*probe),
            None => redis::cmd("PING"),
        };
        open.connection.clone().send_packed_command(&ping).await?.extract_error().map(drop)
    }
}
