//! Redis Sentinel: asks, with every connection, which server is the master.
//!
//! The connection's supervisor does the rest as with a single server: one that dies, hangs or was made a replica
//! (`READONLY`) is given up, the next attempt asks the sentinels again, and what comes back with another run id hears of
//! the invalidations of the last minute first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::RedisError;
use tokio::time::timeout;

use super::address::Address;
use super::link::open_at;

/// For one sentinel to answer, connecting included. Below a connection's own limit, so that the next one gets a turn.
const ANSWER: Duration = Duration::from_millis(150);

/// The sentinels of one master.
pub(crate) struct Sentinels {
    sentinels: Vec<Address>,
    master: String,
    /// The one that answered last: asked first.
    last: AtomicUsize,
}

impl std::fmt::Debug for Sentinels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the master `{}` of the sentinels {:?}", self.master, self.sentinels)
    }
}

impl Sentinels {
    pub(crate) fn new(sentinels: Vec<Address>, master: String) -> Self {
        Self { sentinels, master, last: AtomicUsize::new(0) }
    }

    /// Where the master is now, as the first sentinel says that answers.
    pub(crate) async fn master(&self) -> Result<Address, RedisError> {
        let last = self.last.load(Ordering::Relaxed);
        for turn in 0..self.sentinels.len() {
            let at = (last + turn) % self.sentinels.len();
            let sentinel = &self.sentinels[at];
            if let Ok(Ok((host, port))) = timeout(ANSWER, self.ask(sentinel)).await {
                self.last.store(at, Ordering::Relaxed);
                return Ok(self.sentinels[0].at(&host, port));
            }
        }
        // The next attempt begins with another one.
        self.last.store(last + 1, Ordering::Relaxed);
        Err(std::io::Error::from(std::io::ErrorKind::NotFound).into())
    }

    async fn ask(&self, sentinel: &Address) -> Result<(String, u16), RedisError> {
        // Sentinels often take no password where the master does, and refuse one that they do not know.
        let connected = open_at(&sentinel.plain(true), |_| {}).await;
        let mut connection = match connected {
            Err(error) if !error.is_io_error() => open_at(&sentinel.plain(false), |_| {}).await?,
            connected => connected?,
        };
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master).query_async(&mut connection).await
    }
}
