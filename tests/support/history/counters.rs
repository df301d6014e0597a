//! The database: a second Redis server, of which only `INCR` and `GET` are asked, and which nothing disturbs.

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, cmd};

use super::rows::Database;

pub struct Counters(MultiplexedConnection);

impl Counters {
    pub async fn connect(url: &str) -> RedisResult<Self> {
        // No deadline: on a busy machine a commit may take its time, but must not be lost.
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await.map(Self)
    }
}

#[async_trait]
impl Database for Counters {
    async fn version(&self, key: u8) -> u64 {
        let version = cmd("GET").arg(key).query_async::<Option<u64>>(&mut self.0.clone()).await;
        version.expect("the database answers").unwrap_or(0)
    }

    async fn commit(&self, key: u8) -> u64 {
        cmd("INCR").arg(key).query_async(&mut self.0.clone()).await.expect("the database answers")
    }
}
