//! How long what the server holds has to live. A process may die between any two of its commands, and nobody clears up
//! behind it: so whatever is there must end by itself.

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, cmd};

use super::event::What;
use super::log::Log;
use super::rows::Row;

/// Looks at all rows that there are, and writes down what it sees; says how many there were.
pub async fn look(server: &mut MultiplexedConnection, log: &Log) -> RedisResult<usize> {
    let (mut cursor, mut seen) = (0_u64, 0);
    loop {
        let (next, names): (u64, Vec<String>) = cmd("SCAN").arg(cursor).query_async(server).await?;
        for name in names {
            let Some(key) = Row::number(&name) else { continue };
            let millis: i64 = cmd("PTTL").arg(&name).query_async(server).await?;
            // -2: gone since.
            if millis != -2 {
                log.add(0, key, What::Lives { millis: u64::try_from(millis).ok() });
                seen += 1;
            }
        }
        cursor = next;
        if cursor == 0 {
            return Ok(seen);
        }
    }
}
