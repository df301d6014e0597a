//! What befalls the cache's server while everybody works: it forgets its scripts, drops its connections, stands still.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, cmd};
use tokio::time::sleep;

use super::dice::Dice;
use super::lives::look;
use super::log::Log;

pub struct Trouble {
    admin: MultiplexedConnection,
    dice: Dice,
    log: Log,
}

impl Trouble {
    /// For a server that was started with `--enable-debug-command yes`.
    pub async fn on(url: &str, seed: u64, log: Log) -> RedisResult<Self> {
        let admin = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        Ok(Self { admin, dice: Dice::new(seed), log })
    }

    /// One fault every 80 to 250 ms, for ever; and a look, each time, at how long what is there has to live.
    pub async fn make(mut self) -> RedisResult<()> {
        loop {
            sleep(self.dice.millis(80, 250)).await;
            let fault = self.fault();
            fault.query_async::<()>(&mut self.admin).await?;
            look(&mut self.admin, &self.log).await?;
        }
    }

    fn fault(&mut self) -> Cmd {
        let words: &[&str] = match self.dice.roll(4) {
            0 => &["SCRIPT", "FLUSH"],
            // All but the connection that says so.
            1 => &["CLIENT", "KILL", "TYPE", "normal"],
            2 => &["CLIENT", "KILL", "TYPE", "pubsub"],
            _ => &["DEBUG", "SLEEP", "0.06"],
        };
        let mut fault = cmd(words[0]);
        fault.arg(&words[1..]);
        fault
    }
}
