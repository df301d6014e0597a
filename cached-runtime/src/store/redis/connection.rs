//! One connection, asked in words that its server understands.

use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Arg, Cmd, Pipeline, RedisError, Value};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::acquisition::Acquisition;
use super::dialect::{Dialect, Scripted, is_not_understood};
use super::lane::{Lane, Reply, lost};

/// See the module. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Shared>);

struct Shared {
    wire: Wire,
    dialect: Dialect,
}

/// A connection as it was opened.
pub(crate) struct Wire {
    client: MultiplexedConnection,
    /// `None` where the stream is the client's own: with TLS.
    lane: Option<Lane>,
    /// Those that drive the stream, where the client has not started one. They end with this.
    _tasks: JoinSet<()>,
}

impl Wire {
    pub(crate) fn whole(client: MultiplexedConnection) -> Self {
        Self { client, lane: None, _tasks: JoinSet::new() }
    }

    pub(super) fn spliced(client: MultiplexedConnection, lane: Lane, tasks: JoinSet<()>) -> Self {
        Self { client, lane: Some(lane), _tasks: tasks }
    }

    /// For commands that every server understands.
    pub(crate) fn client(&self) -> MultiplexedConnection {
        self.client.clone()
    }
}

impl Connection {
    pub(crate) fn new(wire: Wire, dialect: Dialect) -> Self {
        Self(Arc::new(Shared { wire, dialect }))
    }

    /// For commands that every server understands, and that may overtake others.
    pub(crate) fn client(&self) -> MultiplexedConnection {
        self.0.wire.client()
    }

    /// Asks for a value, or for the lease; `None` where that takes other words.
    pub(super) fn acquire(&self, acquisition: &Acquisition<'_>) -> Option<oneshot::Receiver<Reply>> {
        let lane = self.0.wire.lane.as_ref().filter(|_| !self.0.dialect.is_scripted())?;
        Some(lane.ask(|out| acquisition.write(out)))
    }

    /// One command. `asking`: the key is on its way to this server, which answers about it only when told so.
    pub(crate) async fn ask(&self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        // What is rare is boxed: each hit would carry room for it.
        if asking || self.0.dialect.is_scripted() {
            return Box::pin(self.ask_otherwise(command, asking)).await;
        }
        match self.send(command, false).await {
            Err(error) if is_not_understood(&error) => Box::pin(self.ask_again(command, asking, error)).await,
            reply => reply,
        }
    }

    async fn ask_otherwise(&self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        let scripted = self.0.dialect.is_scripted().then(|| Scripted::of(command)).flatten();
        let reply = match scripted {
            Some(scripted) => self.send(&scripted.by_name(), asking).await,
            None => self.send(command, asking).await,
        };
        match reply {
            Err(error) if is_not_understood(&error) => self.ask_again(command, asking, error).await,
            reply => reply,
        }
    }

    /// By the script in full, where there is one.
    async fn ask_again(&self, command: &Cmd, asking: bool, error: RedisError) -> Result<Value, RedisError> {
        let Some(scripted) = Scripted::of(command) else { return Err(error) };
        self.correct(&error);
        self.send(&scripted.in_full(), asking).await
    }

    /// Several commands in one round trip. Each has its own answer, errors included.
    pub(crate) async fn ask_all(&self, commands: &Pipeline) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let mut replies = if self.0.dialect.is_scripted() {
            let mut translated = Pipeline::new();
            for command in commands.cmd_iter() {
                match Scripted::of(command) {
                    Some(scripted) => translated.add_command(scripted.by_name()),
                    None => translated.add_command(command.clone()),
                };
            }
            self.send_all(&translated).await?
        } else {
            self.send_all(commands).await?
        };
        if replies.iter().all(|reply| !reply.as_ref().is_err_and(is_not_understood)) {
            return Ok(replies);
        }
        let (mut again, mut places, mut asking) = (Pipeline::new(), Vec::new(), false);
        for (at, command) in commands.cmd_iter().enumerate() {
            if let Some(Err(error)) = replies.get(at)
                && is_not_understood(error)
                && let Some(scripted) = Scripted::of(command)
            {
                self.correct(error);
                if asking {
                    again.cmd("ASKING");
                    places.push(None);
                }
                again.add_command(scripted.in_full());
                places.push(Some(at));
            }
            asking = matches!(command.args_iter().next(), Some(Arg::Simple(b"ASKING")));
        }
        // The client takes an empty pipeline for a mistake.
        if !places.is_empty() {
            for (place, reply) in places.into_iter().zip(self.send_all(&again).await?) {
                if let Some(at) = place {
                    replies[at] = reply;
                }
            }
        }
        Ok(replies)
    }

    /// The server did not understand, unless it only forgot a script.
    fn correct(&self, error: &RedisError) {
        if error.code() != Some("NOSCRIPT") {
            self.0.dialect.correct();
        }
    }

    /// Server errors arrive as values at this level.
    async fn send(&self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        if !asking {
            let reply = match &self.0.wire.lane {
                Some(lane) => {
                    let reply = lane.ask(|out| command.write_packed_command(out)).await;
                    reply.map_err(|_| lost())?.value()?
                }
                None => self.client().send_packed_command(command).await?,
            };
            return reply.extract_error();
        }
        // Holds for the next command of the connection only, which others share: both in one write.
        let mut commands = Pipeline::with_capacity(2);
        commands.cmd("ASKING").add_command(command.clone());
        self.send_all(&commands).await?.pop().unwrap_or(Ok(Value::Nil))
    }

    async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let count = commands.cmd_iter().count();
        let Some(lane) = &self.0.wire.lane else {
            let replies = self.client().send_packed_commands(commands, 0, count).await?;
            return Ok(replies.into_iter().map(Value::extract_error).collect());
        };
        let replies = lane.ask_all(&commands.get_packed_pipeline(), count).await.map_err(|_| lost())?;
        Ok(replies.into_iter().map(|reply| reply.value()?.extract_error()).collect())
    }
}
