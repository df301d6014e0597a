//! The limits of a remote hit: redis-rs as its README has it, and a socket by hand. Neither is a cache.

use peer::value::{Failure, User};
use peer::{Peer, World, origin};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// `GET` on a multiplexed connection, then serde_json.
pub struct Client(MultiplexedConnection);

impl Client {
    async fn connect(world: &World) -> Result<Self, Failure> {
        let client = redis::Client::open(world.redis.as_str()).map_err(Failure::of)?;
        client.get_multiplexed_async_connection().await.map(Self).map_err(Failure::of)
    }

    async fn set(&self, id: u64) -> Result<(), Failure> {
        let json = serde_json::to_vec(&User::numbered(id, origin::version(id))).map_err(Failure::of)?;
        self.0.clone().set(format!("user:{id}"), json).await.map_err(Failure::of)
    }
}

impl Peer for Client {
    async fn open(world: &World) -> Result<Self, Failure> {
        Self::connect(world).await
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        let json: Option<Vec<u8>> = self.0.clone().get(format!("user:{id}")).await.map_err(Failure::of)?;
        match json {
            Some(json) => serde_json::from_slice(&json).map_err(Failure::of),
            None => Err(Failure("not there, and this is no cache".to_owned())),
        }
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.0.clone().del(format!("user:{id}")).await.map_err(Failure::of)
    }

    async fn prepare(&self, id: u64) -> Result<(), Failure> {
        self.set(id).await
    }
}

/// The request's bytes into a `TcpStream`, the answer's out of it; one call at a time.
pub struct Socket {
    stream: Mutex<BufReader<TcpStream>>,
    client: Client,
}

impl Peer for Socket {
    async fn open(world: &World) -> Result<Self, Failure> {
        let address = world.redis.trim_start_matches("redis://").trim_end_matches('/');
        let stream = TcpStream::connect(address).await.map_err(Failure::of)?;
        stream.set_nodelay(true).map_err(Failure::of)?;
        Ok(Self { stream: Mutex::new(BufReader::new(stream)), client: Client::connect(world).await? })
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        let key = format!("user:{id}");
        let request = format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len());
        let mut stream = self.stream.lock().await;
        let answer = async {
            stream.get_mut().write_all(request.as_bytes()).await?;
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let length = line.trim_start_matches('$').trim_end().parse().map_err(std::io::Error::other)?;
            let mut json = vec![0; length];
            stream.read_exact(&mut json).await?;
            stream.read_exact(&mut [0; 2]).await?;
            Ok::<_, std::io::Error>(json)
        };
        let json = answer.await.map_err(Failure::of)?;
        serde_json::from_slice(&json).map_err(Failure::of)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.client.invalidate(id).await
    }

    async fn prepare(&self, id: u64) -> Result<(), Failure> {
        self.client.set(id).await
    }
}
