//! One connection, asked in words that its server understands.

use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Arg, Cmd, Pipeline, RedisError, Value};

use super::dialect::{Dialect, Scripted, is_not_understood};

/// See the module. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Connection {
    /// For commands that every server understands.
    pub(crate) wire: MultiplexedConnection,
    dialect: Arc<Dialect>,
}

impl Connection {
    pub(crate) fn new(wire: MultiplexedConnection, dialect: Dialect) -> Self {
        Self { wire, dialect: Arc::new(dialect) }
    }

    /// One command. `asking`: the key is on its way to this server, which answers about it only when told so.
    pub(crate) async fn ask(&mut self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        // What is rare is boxed: each hit would carry room for it.
        if asking || self.dialect.is_scripted() {
            return Box::pin(self.ask_otherwise(command, asking)).await;
        }
        match self.wire.send_packed_command(command).await?.extract_error() {
            Err(error) if is_not_understood(&error) => Box::pin(self.ask_again(command, asking, error)).await,
            reply => reply,
        }
    }

    async fn ask_otherwise(&mut self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        let scripted = self.dialect.is_scripted().then(|| Scripted::of(command)).flatten();
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
    async fn ask_again(&mut self, command: &Cmd, asking: bool, error: RedisError) -> Result<Value, RedisError> {
        let Some(scripted) = Scripted::of(command) else { return Err(error) };
        self.correct(&error);
        self.send(&scripted.in_full(), asking).await
    }

    /// Several commands in one round trip. Each has its own answer, errors included.
    pub(crate) async fn ask_all(&mut self, commands: &Pipeline) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let mut replies = if self.dialect.is_scripted() {
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
            self.dialect.correct();
        }
    }

    /// Server errors arrive as values at this level.
    async fn send(&mut self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        if !asking {
            return self.wire.send_packed_command(command).await?.extract_error();
        }
        // Holds for the next command of the connection only, which others share: both in one write.
        let mut commands = Pipeline::with_capacity(2);
        commands.cmd("ASKING").add_command(command.clone());
        let reply = self.wire.send_packed_commands(&commands, 1, 1).await?.pop();
        reply.unwrap_or(Value::Nil).extract_error()
    }

    async fn send_all(&mut self, commands: &Pipeline) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let count = commands.cmd_iter().count();
        let replies = self.wire.send_packed_commands(commands, 0, count).await?;
        Ok(replies.into_iter().map(Value::extract_error).collect())
    }
}
