//! One server: its connections, its breaker, and the one way to run commands on it.

use std::collections::HashSet;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::acquisition::Acquisition;
use super::breaker::Breaker;
use super::commands::{bytes, call, refusal, unexpected};
use super::connection::Connection;
use super::dialect::is_not_understood;
use super::lane::{Reply, lost};
use super::link::{Link, Links, Place};
use super::scripts::Script;
use super::share::Share;
use crate::event;
use crate::store::StoreError;

/// So long a refusal counts: others of its commands may be answered in between.
const LATELY: Duration = Duration::from_secs(5);

/// One server of a store.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) links: Links,
    pub(crate) breaker: Arc<Breaker>,
    /// The longest any operation takes, connecting included.
    deadline: Duration,
    /// Refusals that were logged: error codes, each once.
    warned: Mutex<HashSet<String>>,
    /// The last one that was about memory or permissions.
    refused: Mutex<Option<(StoreError, Instant)>>,
}

/// What is asked of the server.
#[derive(Clone, Copy)]
pub(crate) enum Request<'r> {
    Command(&'r Cmd),
    Script { script: &'r Script, keys: &'r [&'r str], arguments: &'r [&'r [u8]] },
}

impl Node {
    pub(crate) fn new(place: Place, deadline: Duration, share: Share) -> Self {
        let breaker = Arc::new(Breaker::of(&place));
        let links = Links::new(place, Arc::clone(&breaker), share, deadline);
        Self { links, breaker, deadline, warned: Mutex::default(), refused: Mutex::default() }
    }

    /// Until when an operation that begins now may take.
    pub(crate) fn due(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// Waits until then. A process that stood still meanwhile (throttled, suspended, its threads held up) finds
    /// its timer due together with the answer, or with a command that was never sent. That is no failure of Redis: the
    /// answer gets as long as the timer was late, but never less than a moment and never more than another deadline.
    /// The moment, and what timers are too long by, is part of the time that the caller was promised.
    pub(crate) async fn in_time<T>(&self, due: Instant, mut operation: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let moment = self.deadline / 20;
        let due = due.checked_sub(2 * moment).unwrap_or(due);
        match timeout_at(due, operation.as_mut()).await {
            Ok(answer) => Some(answer),
            Err(_) => {
                let late = due.elapsed().clamp(moment, self.deadline);
                // Boxed, as whatever is rare below: each hit would carry room for it.
                Box::pin(timeout(late, operation)).await.ok()
            }
        }
    }

    /// A server that refuses what the protocol needs (no permission, no such command) makes every call run uncached:
    /// somebody should know.
    fn warn_once(&self, code: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        // Bounded, should a proxy make up codes.
        if warned.len() < 32 && warned.insert(code.to_owned()) {
            event::warning!(
                "cache: {:?} refuses a command ({code}); calls that need it run uncached",
                self.links.place()
            );
        }
    }

    /// What it would not do lately, though it answers.
    pub(crate) fn refusal(&self) -> Option<StoreError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().filter(|(_, at)| at.elapsed() < LATELY).map(|(refusal, _)| refusal.clone())
    }

    fn refused(&self, refusal: &StoreError) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((refusal.clone(), Instant::now()));
    }

    /// Whether it is not asked. Whoever opened the breaker may be gone, and then nobody would try the server.
    pub(crate) fn given_up(&self) -> bool {
        let given_up = self.breaker.is_open();
        if given_up {
            self.links.here().doubt();
        }
        given_up
    }

    /// This runtime's link, unless the server was given up.
    fn link(&self) -> Result<Arc<Link>, StoreError> {
        let link = self.links.here();
        if let Err(given_up) = self.breaker.admit() {
            // Whoever opened it may be gone, and then nobody tries the server.
            link.doubt();
            return Err(given_up);
        }
        Ok(link)
    }

    /// Runs one operation on this runtime's connection, within the deadline, unless the server was given up.
    async fn operation<T>(
        &self,
        due: Instant,
        run: impl AsyncFnOnce(&Connection) -> Result<T, RedisError>,
        refusals: impl Fn(&T) -> Option<StoreError>,
    ) -> Result<T, StoreError> {
        let link = self.link()?;
        let operation = pin!(async {
            let connection = match link.up() {
                Some(connection) => connection,
                None => link.connection().await?,
            };
            run(&connection).await.map_err(|error| link.failed(&error))
        });
        let result = self.in_time(due, operation).await.unwrap_or(Err(StoreError::Timeout));
        self.learn(&link, &result, refusals);
        result
    }

    /// What an answer, or that there is none, says about the connection and the server.
    fn learn<T>(&self, link: &Link, result: &Result<T, StoreError>, refusals: impl Fn(&T) -> Option<StoreError>) {
        let refusal = match result {
            Ok(value) => {
                link.answered();
                refusals(value)
            }
            Err(error) => {
                if *error == StoreError::Timeout {
                    link.timed_out();
                }
                Some(error.clone())
            }
        };
        match &refusal {
            Some(error @ StoreError::Refused(code)) => {
                self.warn_once(code);
                if !error.is_about_the_server() {
                    self.refused(error);
                }
            }
            Some(StoreError::OutOfMemory) => self.refused(&StoreError::OutOfMemory),
            Some(StoreError::Elsewhere { .. }) => self.links.strayed(),
            _ => {}
        }
        match refusal.filter(StoreError::is_about_the_server) {
            Some(error) => {
                self.breaker.failed(&error);
                if self.breaker.is_open() {
                    link.doubt();
                }
            }
            None => self.breaker.answered(),
        }
    }

    /// What a key holds; `None` where the lease is there now. On the connection that is there, by a future that is as
    /// small as can be, since there is one per call under way.
    pub(super) async fn acquire(&self, acquisition: &Acquisition<'_>) -> Result<Option<Bytes>, StoreError> {
        let due = self.due();
        let link = self.link()?;
        let connection = link.up();
        let Some(sent) = connection.as_ref().and_then(|connection| connection.acquire(acquisition)) else {
            return Box::pin(self.acquire_otherwise(due, acquisition)).await;
        };
        let answer = match self.in_time(due, pin!(sent)).await {
            Some(Ok(Reply::Text(held))) => Ok(Some(held)),
            Some(Ok(Reply::Nil)) => Ok(None),
            Some(Ok(other)) => match other.value().and_then(Value::extract_error) {
                Ok(_) => Err(unexpected()),
                // Nothing was done then.
                Err(error) if is_not_understood(&error) => {
                    return Box::pin(self.acquire_otherwise(due, acquisition)).await;
                }
                Err(error) => Err(link.failed(&error)),
            },
            Some(Err(_)) => Err(link.failed(&lost())),
            None => Err(StoreError::Timeout),
        };
        self.learn(&link, &answer, |_| None);
        answer
    }

    /// The same where there is no connection yet, or one on which it has to be asked in other words.
    async fn acquire_otherwise(
        &self,
        due: Instant,
        acquisition: &Acquisition<'_>,
    ) -> Result<Option<Bytes>, StoreError> {
        let command = acquisition.command();
        bytes(self.run(due, Request::Command(&command), false).await?)
    }

    /// One key's answer. `asking`: the key is on its way to this server, which answers about it only when told so.
    pub(crate) async fn run(&self, due: Instant, request: Request<'_>, asking: bool) -> Result<Value, StoreError> {
        let run = async |connection: &Connection| match request {
            Request::Command(command) => connection.ask(command, asking).await,
            Request::Script { script, keys, arguments } => {
                Box::pin(async move {
                    match connection.ask(&call("EVALSHA", &script.sha1, keys, arguments), asking).await {
                        // The text itself, not `SCRIPT LOAD` and the name again: in between it could be forgotten again.
                        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                            connection.ask(&call("EVAL", script.text, keys, arguments), asking).await
                        }
                        reply => reply,
                    }
                })
                .await
            }
        };
        self.operation(due, run, |_| None).await
    }

    /// Several commands in one round trip. Each has its own answer, errors included.
    pub(crate) async fn pipeline(
        &self,
        due: Instant,
        commands: &Pipeline,
    ) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        let run = async |connection: &Connection| {
            let replies = connection.ask_all(commands).await?;
            Ok(replies.into_iter().map(|reply| reply.map_err(|error| refusal(&error))).collect::<Vec<_>>())
        };
        // One that is about the server speaks for all.
        let refusals = |replies: &Vec<Result<Value, StoreError>>| {
            let refusals = || replies.iter().filter_map(|reply| reply.as_ref().err());
            let about = refusals().find(|error| error.is_about_the_server());
            about.or_else(|| refusals().find(|error| !error.is_no_script())).cloned()
        };
        self.operation(due, run, refusals).await
    }
}
