//! The task that connects, repairs what a server has missed, and connects again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind};
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::failure::{Failure, Reason};
use super::{ByRuntime, CONNECT, Place, Signals, State, delete_each, open_wire};
use crate::event;
use crate::store::Repair;
use crate::store::redis::breaker::{Breaker, Server};
use crate::store::redis::commands::{call, refusal};
use crate::store::redis::connection::Connection;
use crate::store::redis::dialect::About;
use crate::store::redis::queues::overtaking;
use crate::store::redis::scripts;
use crate::store::redis::share::Share;

/// From one attempt to the next: grows from the first to the second. Never longer, and what an attempt takes is part of
/// it, so that a server which came back is used again within a second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
const PING: Duration = Duration::from_millis(100);
/// From one answer of a server that relapses to the next, and at random as much as half of it more.
const BETWEEN: Duration = Duration::from_millis(50);
/// To send what a server has missed.
const REPAIR: Duration = Duration::from_secs(2);

/// Removes a link when its supervisor ends, with its runtime or with its cache.
pub(super) struct Gone {
    pub(super) id: runtime::Id,
    pub(super) links: Weak<ByRuntime>,
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(links) = self.links.upgrade() {
            let mut links = links.write().unwrap_or_else(PoisonError::into_inner);
            let gone = links.iter().position(|(id, _)| *id == self.id).map(|at| links.swap_remove(at));
            // Dropped after the lock: a link's own drop may reach here again.
            drop(links);
            drop(gone);
        }
    }
}

pub(super) struct Supervisor {
    pub(super) place: Place,
    pub(super) publish: watch::Sender<State>,
    pub(super) signals: Arc<Signals>,
    pub(super) breaker: Arc<Breaker>,
    pub(super) share: Share,
    /// Of an operation.
    pub(super) deadline: Duration,
    pub(super) _gone: Gone,
}

impl Supervisor {
    pub(super) async fn run(self) {
        let mut pause = BACKOFF.0;
        let mut reported = false;
        loop {
            let mut since = Instant::now();
            match self.attempt().await {
                Ok(connection) => {
                    if reported {
                        event::notice!("cache: connected to {:?} again", self.place);
                        reported = false;
                    }
                    pause = BACKOFF.0;
                    self.signals.unanswered.store(0, Ordering::Relaxed);
                    self.publish.send_replace(State::Up(connection.clone()));
                    self.watch_over(connection).await;
                    since = Instant::now();
                }
                Err(Failure::TooOld) => {
                    reported = true;
                    if self.breaker.too_old() {
                        event::warning!(
                            "cache: {:?} is older than Redis 6.2, the oldest that is supported: use Redis 6.2 or newer, or \
                             Valkey; calls run uncached until then",
                            self.place
                        );
                    }
                }
                Err(Failure::Error(error)) => {
                    self.breaker.stay_open(&refusal(&error));
                    if !reported {
                        reported = true;
                        let why = Reason(&error);
                        event::warning!("cache: no connection to {:?} ({why}); calls run uncached", self.place);
                    }
                }
            }
            self.publish.send_replace(State::Down);
            sleep_until(since + pause.mul_f64(0.5 + 0.5 * fastrand::f64())).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// A connection to a server that may be used: nobody else tries it while the breaker is open, and what it has
    /// missed is made up for.
    async fn attempt(&self) -> Result<Connection, Failure> {
        if self.breaker.is_open() {
            let mut server = self.breaker.turn().await;
            let (connection, about) = self.connect().await?;
            self.repair(&mut connection.client(), about.run_id, &mut server).await?;
            Ok(connection)
        } else {
            let (connection, about) = self.connect().await?;
            let mut server = self.breaker.turn().await;
            self.repair(&mut connection.client(), about.run_id, &mut server).await?;
            Ok(connection)
        }
    }

    /// Closes the breaker, after the invalidations that this server has not heard of.
    async fn repair(
        &self,
        connection: &mut MultiplexedConnection,
        run_id: Option<String>,
        server: &mut Server,
    ) -> Result<(), redis::RedisError> {
        let repaired = timeout(REPAIR, async {
            let mut replaced = server.is_another(run_id.as_deref());
            if self.breaker.is_open() {
                self.prove(connection).await?;
            }
            while let Some(repair) = self.breaker.repair() {
                self.overtake(connection, repair).await?;
                let outstanding = self.outstanding(repair, replaced);
                for some in outstanding.chunks(500) {
                    // One command each: in a cluster their slots differ.
                    for ((key, number), reply) in
                        some.iter().zip(delete_each(connection, some, self.share.is_everything()).await?)
                    {
                        match reply.extract_error() {
                            Ok(_) => repair.delivered(&[(Arc::clone(key), *number)]),
                            Err(error) => self.accepted(Err(error))?,
                        }
                    }
                }
                replaced = false;
                let left = self.outstanding(repair, false).len();
                // None of those that are left may be deleted here: this process goes on not to trust them.
                if left == 0 || left >= outstanding.len() {
                    break;
                }
            }
            if server.is_another(run_id.as_deref()) {
                event::notice!(
                    "cache: at {:?} is another server than before, or the same one started anew; it was sent the \
                     invalidations of the last minute",
                    self.place
                );
            }
            server.is_now(run_id);
            self.breaker.close();
            Ok(())
        });
        repaired.await.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
    }

    /// Has a server that was given up answer as fast as any operation has to be answered, with something to spare: else
    /// the first callers would give it up again.
    async fn prove(&self, connection: &mut MultiplexedConnection) -> Result<(), redis::RedisError> {
        let patience = (self.deadline * 9 / 10).min(CONNECT);
        for answer in 0..self.breaker.answers_wanted() {
            if answer > 0 {
                sleep(BETWEEN.mul_f64(1.0 + 0.5 * fastrand::f64())).await;
            }
            let mut proof = redis::cmd("PING");
            if let Some(probe) = self.share.probe() {
                proof = redis::cmd("SET");
                proof.arg(&*probe).arg("").arg("PX").arg(1000);
            }
            let answer = timeout(patience, proof.query_async(connection)).await;
            self.accepted(answer.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?)?;
        }
        Ok(())
    }

    /// Before anything is served, or written from a queue: what is queued may be older than the database.
    async fn overtake(
        &self,
        connection: &mut MultiplexedConnection,
        repair: &Arc<dyn Repair>,
    ) -> Result<(), redis::RedisError> {
        for some in repair.overtaken().chunks(200) {
            let mut commands = redis::Pipeline::with_capacity(some.len());
            for (names, overtaken) in some {
                let (keys, words) = overtaking(names, overtaken);
                let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
                let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
                commands.add_command(call("EVAL", scripts::OVERTAKE, &keys, &words));
            }
            let replies = connection.send_packed_commands(&commands, 0, some.len()).await?;
            for ((_, overtaken), reply) in some.iter().zip(replies) {
                match reply.extract_error() {
                    Ok(_) => repair.overtook(overtaken),
                    Err(error) => self.accepted(Err(error))?,
                }
            }
        }
        Ok(())
    }

    /// What this server has not heard of.
    fn outstanding(&self, repair: &Arc<dyn Repair>, replaced: bool) -> Vec<(Arc<str>, u64)> {
        let mut outstanding = repair.outstanding(replaced);
        outstanding.retain(|(key, _)| self.share.holds(key));
        outstanding
    }

    /// A refusal that is about this one command, or about memory, is an answer.
    fn accepted(&self, answer: Result<redis::Value, redis::RedisError>) -> Result<(), redis::RedisError> {
        let Err(error) = answer else { return Ok(()) };
        let meaning = refusal(&error);
        if meaning.is_about_the_server() {
            self.breaker.stay_open(&meaning);
            return Err(error);
        }
        Ok(())
    }

    /// A connection to a server that is new enough, and what it says of itself.
    async fn connect(&self) -> Result<(Connection, About), Failure> {
        let signals = Arc::downgrade(&self.signals);
        let connected = timeout(CONNECT, async {
            let opened = open_wire(&self.place, move |push: &PushInfo| {
                if push.kind == PushKind::Disconnection
                    && let Some(signals) = signals.upgrade()
                {
                    signals.doubtful.notify_one();
                }
            })
            .await?;
            let mut wire = opened.client();
            let info = match redis::cmd("INFO").arg("server").query_async::<String>(&mut wire).await {
                Err(error) if error.is_io_error() => return Err(error.into()),
                // Not everybody may ask.
                info => info.unwrap_or_default(),
            };
            let about = About::parse(&info);
            if about.is_too_old() {
                return Err(Failure::TooOld);
            }
            let dialect = about.dialect();
            let older: &[&str] = if dialect.is_scripted() { &scripts::ALL_OLDER } else { &[] };
            let mut load = redis::pipe();
            for script in scripts::ALL.iter().chain(older) {
                load.cmd("SCRIPT").arg("LOAD").arg(*script).ignore();
            }
            // Loading is only there to spare the first miss two round trips: where it is not allowed, calls go on
            // without.
            let _ = load.query_async::<()>(&mut wire).await;
            redis::cmd("PING").query_async::<()>(&mut wire).await?;
            Ok((Connection::new(opened, dialect), about))
        });
        let in_time = connected.await;
        in_time
            .unwrap_or_else(|_| Err(redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)).into()))
    }

    /// Returns when the connection is of no more use.
    async fn watch_over(&self, connection: Connection) {
        loop {
            self.signals.doubtful.notified().await;
            // The server is tried on a new connection: its address may be another one's by now.
            if self.breaker.is_open() {
                return;
            }
            // The signal may be about the connection before this one: ask this one.
            let ping = redis::cmd("PING");
            match timeout(PING, ping.query_async::<()>(&mut connection.client())).await {
                Ok(Ok(())) => self.signals.unanswered.store(0, Ordering::Relaxed),
                // `LOADING`, `BUSY` and the like are answers: the connection works.
                Ok(Err(error)) if !error.is_io_error() => {}
                _ => return,
            }
        }
    }
}
