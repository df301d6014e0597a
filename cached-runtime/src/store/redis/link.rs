//! The supervised connection: one per runtime, never one per function.
//!
//! The client's own `ConnectionManager` blocks callers for 9.45 s while the server is away and never recovers from an
//! authentication error. Here a caller that finds no connection goes on at once, and a task of our own reconnects,
//! whatever the error was.

mod failure;
mod supervisor;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{self, Handle};
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use self::supervisor::{Gone, Supervisor};
use super::address::{Address, Stream};
use super::breaker::Breaker;
use super::commands::{call, refusal};
use super::connection::{Connection, Wire};
use super::lane::{Lane, Spliced};
use super::scripts;
#[cfg(feature = "sentinel")]
use super::sentinel::Sentinels;
use super::share::Share;
use super::tracker::Tracker;
use crate::background;
use crate::event;
use crate::store::StoreError;

/// To connect, log in and load the scripts.
const CONNECT: Duration = Duration::from_millis(500);
/// So many operations in a row without an answer call for a ping.
const SUSPICIOUS: u32 = 3;

type ByRuntime = RwLock<Vec<(runtime::Id, Arc<Link>)>>;

/// Where to find a server.
#[derive(Clone)]
pub(crate) enum Place {
    /// It stays where it is.
    Fixed(Box<Address>),
    /// Wherever the master is by now.
    #[cfg(feature = "sentinel")]
    Watched(Arc<Sentinels>),
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(address) => address.fmt(f),
            #[cfg(feature = "sentinel")]
            Self::Watched(sentinels) => sentinels.fmt(f),
        }
    }
}

impl Place {
    /// Where the server is now: asked for with every connection.
    async fn address(&self) -> Result<Address, redis::RedisError> {
        match self {
            Self::Fixed(address) => Ok(Address::clone(address)),
            #[cfg(feature = "sentinel")]
            Self::Watched(sentinels) => sentinels.master().await,
        }
    }
}

/// The links to one server, by runtime: a connection's task dies with the runtime that polls it.
#[derive(Debug)]
pub(crate) struct Links {
    place: Place,
    links: Arc<ByRuntime>,
    breaker: Arc<Breaker>,
    share: Share,
    /// Of an operation.
    deadline: Duration,
}

impl Links {
    pub(crate) fn new(place: Place, breaker: Arc<Breaker>, share: Share, deadline: Duration) -> Self {
        Self { place, links: Arc::default(), breaker, share, deadline }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The server says that another one holds the key. Where there is but one, somebody should know.
    pub(crate) fn strayed(&self) {
        static SAID: std::sync::Once = std::sync::Once::new();
        if matches!(self.share, Share::Everything { .. }) {
            let place = &self.place;
            SAID.call_once(|| {
                event::warning!(
                    "cache: {place:?} is one server of a cluster: build the cache with `.cluster([..])` instead"
                );
            });
        }
    }

    /// The link of the runtime that polls the caller, made on first use.
    pub(crate) fn here(&self) -> Arc<Link> {
        let runtime = background::runtime();
        let of = |links: &[(runtime::Id, Arc<Link>)]| {
            links.iter().find(|(id, _)| Some(*id) == runtime).map(|(_, link)| Arc::clone(link))
        };
        if let Some(link) = of(&self.links.read().unwrap_or_else(PoisonError::into_inner)) {
            return link;
        }
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = of(&links) {
            return link;
        }
        let here = Handle::current();
        let (link, supervisor) = Link::new(self, &here);
        links.push((here.id(), Arc::clone(&link)));
        // Unlocked first: a runtime that is shutting down drops what it is given on the spot, and with it the link.
        drop(links);
        let _ = link.supervisor.set(here.spawn(supervisor.run()).abort_handle());
        link
    }
}

#[derive(Clone)]
enum State {
    /// The very first attempt: callers wait for it, within their deadline.
    Starting,
    Up(Connection),
    /// Callers go on without the cache, at once.
    Down,
}

/// One runtime's connection to the server.
pub(crate) struct Link {
    state: watch::Receiver<State>,
    signals: Arc<Signals>,
    tracker: Tracker,
    supervisor: OnceLock<AbortHandle>,
}

/// What callers and the connection tell the supervisor.
#[derive(Default)]
struct Signals {
    /// Operations in a row that were not answered in time.
    unanswered: AtomicU32,
    /// The connection may be broken.
    doubtful: Notify,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.abort();
        }
    }
}

impl Link {
    fn new(links: &Links, here: &Handle) -> (Arc<Self>, Supervisor) {
        let (publish, state) = watch::channel(State::Starting);
        let signals = Arc::<Signals>::default();
        let supervisor = Supervisor {
            place: links.place.clone(),
            publish,
            signals: Arc::clone(&signals),
            breaker: Arc::clone(&links.breaker),
            share: links.share.clone(),
            deadline: links.deadline,
            _gone: Gone { id: here.id(), links: Arc::downgrade(&links.links) },
        };
        let tracker = Tracker::new(links.place.clone(), Arc::clone(&links.breaker), links.share.clone());
        (Arc::new(Self { state, signals, tracker, supervisor: OnceLock::new() }), supervisor)
    }

    /// The connection, where there is one.
    pub(crate) fn up(&self) -> Option<Connection> {
        match &*self.state.borrow() {
            State::Up(connection) => Some(connection.clone()),
            State::Starting | State::Down => None,
        }
    }

    /// The connection, or at once that there is none, but for the very first attempt.
    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        let mut state = self.state.clone();
        match state.wait_for(|state| !matches!(state, State::Starting)).await.as_deref() {
            Ok(State::Up(connection)) => Ok(connection.clone()),
            _ => Err(StoreError::Unavailable),
        }
    }

    /// Wakes waiters when their key changes.
    pub(crate) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    pub(crate) fn answered(&self) {
        // Read first: on the hit path this line stays shared between the cores.
        if self.signals.unanswered.load(Ordering::Relaxed) != 0 {
            self.signals.unanswered.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn timed_out(&self) {
        if self.signals.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= SUSPICIOUS {
            self.signals.doubtful.notify_one();
        }
    }

    /// Something may be wrong with the connection, or with the server.
    pub(crate) fn doubt(&self) {
        self.signals.doubtful.notify_one();
    }

    /// A command failed; a broken connection is replaced.
    pub(crate) fn failed(&self, error: &redis::RedisError) -> StoreError {
        if error.is_io_error() {
            self.doubt();
        }
        refusal(error)
    }
}

/// Deletes keys one by one in one round trip. Each has its own answer, errors included. Where the server holds everything
/// there may be queues, and what is queued stays.
pub(crate) async fn delete_each(
    connection: &mut MultiplexedConnection,
    keys: &[(Arc<str>, u64)],
    everything: bool,
) -> Result<Vec<redis::Value>, redis::RedisError> {
    let mut deletions = redis::Pipeline::with_capacity(keys.len());
    for (key, _) in keys {
        if everything {
            deletions.add_command(call("EVAL", scripts::EVICT, &[&**key], &[]));
        } else {
            deletions.cmd("DEL").arg(&**key);
        }
    }
    connection.send_packed_commands(&deletions, 0, keys.len()).await
}

/// Opens a connection to wherever the server is now.
pub(crate) async fn open(
    place: &Place,
    pushed: impl Fn(&PushInfo) + Send + Sync + 'static,
) -> Result<MultiplexedConnection, redis::RedisError> {
    open_at(&place.address().await?, pushed).await
}

/// Opens a connection without a response timeout: every operation has its own, outside.
pub(crate) async fn open_at(
    address: &Address,
    pushed: impl Fn(&PushInfo) + Send + Sync + 'static,
) -> Result<MultiplexedConnection, redis::RedisError> {
    redis::Client::open(address.info())?.get_multiplexed_async_connection_with_config(&config(pushed)).await
}

fn config(pushed: impl Fn(&PushInfo) + Send + Sync + 'static) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(1024)
        .set_push_sender(move |push: PushInfo| {
            pushed(&push);
            Ok::<(), std::convert::Infallible>(())
        })
}

/// Opens a connection for many commands: with a lane, where the stream can be ours.
pub(crate) async fn open_wire(
    place: &Place,
    pushed: impl Fn(&PushInfo) + Send + Sync + 'static,
) -> Result<Wire, redis::RedisError> {
    let address = place.address().await?;
    match address.stream().await? {
        Stream::Tcp(stream) => splice(&address, stream, pushed).await,
        #[cfg(unix)]
        Stream::Unix(stream) => splice(&address, stream, pushed).await,
        Stream::Other => Ok(Wire::whole(open_at(&address, pushed).await?)),
    }
}

async fn splice<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    address: &Address,
    stream: S,
    pushed: impl Fn(&PushInfo) + Send + Sync + 'static,
) -> Result<Wire, redis::RedisError> {
    let (lane, mut tasks) = (Lane::default(), JoinSet::new());
    tasks.spawn(lane.clone().let_others_on());
    let (info, stream) = (address.info(), Spliced::new(stream, lane.clone()));
    let (client, driver) =
        MultiplexedConnection::new_with_config(info.redis_settings(), stream, config(pushed)).await?;
    tasks.spawn(driver);
    Ok(Wire::spliced(client, lane, tasks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        // Nothing listens on port 1.
        let place = Place::Fixed(Box::new(Address::parse("redis://127.0.0.1:1/").expect("a URL")));
        let share = Share::Everything { probe: "test:%probe".into() };
        Links::new(place, Arc::default(), share, Duration::from_millis(100))
    }

    fn count(links: &Links) -> usize {
        links.links.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn runtime() -> runtime::Runtime {
        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    #[test]
    fn the_link_of_a_runtime_that_is_gone_is_removed() {
        let links = links();
        for _ in 0..3 {
            let runtime = runtime();
            for _ in 0..2 {
                assert!(runtime.block_on(async { links.here().connection().await }).is_err());
                assert_eq!(count(&links), 1);
            }
            drop(runtime);
            assert_eq!(count(&links), 0);
        }
    }

    #[test]
    fn a_runtime_that_shut_down_has_no_link_and_the_attempt_returns() {
        let links = links();
        let gone = runtime().handle().clone();
        let _entered = gone.enter();
        let link = links.here();
        assert_eq!(count(&links), 0);
        assert!(runtime().block_on(link.connection()).is_err());
    }
}
