//! Keys that would stay for ever: everything that this cache stores has an expiry, at every moment.

use std::collections::HashSet;
use std::time::Duration;

use redis::{RedisResult, cmd, pipe};
use tokio::time::sleep;

use super::server::connect;

/// What the samples found.
#[derive(Clone, Debug, Default)]
pub struct Leftover {
    pub samples: u64,
    pub seen: u64,
    /// Keys without an expiry.
    pub eternal: HashSet<String>,
}

impl Leftover {
    /// Looks again and again, for ever. A server that is away is not looked at.
    pub async fn look(&mut self, url: &str, prefix: &str) {
        loop {
            sleep(Duration::from_millis(200)).await;
            let _away = self.sample(url, prefix).await;
        }
    }

    /// One look at all keys.
    pub async fn sample(&mut self, url: &str, prefix: &str) -> RedisResult<()> {
        let mut connection = connect(url).await?;
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{prefix}:*")).arg("COUNT").arg(100);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            if !keys.is_empty() {
                let mut ask = pipe();
                keys.iter().for_each(|key| _ = ask.cmd("PTTL").arg(key));
                let left: Vec<i64> = ask.query_async(&mut connection).await?;
                self.seen += left.len() as u64;
                // -2: gone since.
                self.eternal.extend(keys.into_iter().zip(left).filter(|(_, left)| *left == -1).map(|(key, _)| key));
            }
            if next == 0 {
                self.samples += 1;
                return Ok(());
            }
            cursor = next;
        }
    }
}
