//! The limit of a wake-up: a socket by hand with `CLIENT TRACKING`. Whoever reads nothing tries for the lock; who does not
//! get it waits for the push that says the row has changed, and reads again. One call at a time.

use std::io;

use peer::value::{Failure, User};
use peer::{Peer, World, origin};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

pub struct Tracked(Mutex<Socket>);

struct Socket(BufReader<TcpStream>);

/// What a server sends, as far as this needs to tell.
enum Frame {
    Text(Option<Vec<u8>>),
    Push,
}

impl Socket {
    async fn send(&mut self, words: &[&[u8]]) -> io::Result<()> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&request).await
    }

    /// The next frame; of those with others inside only that they are.
    async fn frame(&mut self) -> io::Result<Frame> {
        let (mut open, mut first) = (1_usize, None);
        while open > 0 {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            open -= 1;
            let (kind, rest) = line.split_at(1);
            let count = || rest.trim_end().parse::<usize>().map_err(io::Error::other);
            let frame = match kind {
                "$" => {
                    let mut text = vec![0; count()? + 2];
                    self.0.read_exact(&mut text).await?;
                    text.truncate(text.len() - 2);
                    Frame::Text(Some(text))
                }
                ">" | "*" => {
                    open += count()?;
                    Frame::Push
                }
                "%" => {
                    open += 2 * count()?;
                    Frame::Text(None)
                }
                "_" => Frame::Text(None),
                _ => Frame::Text(Some(rest.trim_end().as_bytes().to_vec())),
            };
            first.get_or_insert(frame);
        }
        first.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The answer to a command; what is pushed meanwhile is counted.
    async fn ask(&mut self, words: &[&[u8]], pushed: &mut u32) -> io::Result<Option<Vec<u8>>> {
        self.send(words).await?;
        loop {
            match self.frame().await? {
                Frame::Text(text) => return Ok(text),
                Frame::Push => *pushed += 1,
            }
        }
    }

    async fn find(&mut self, id: u64) -> Result<User, Failure> {
        let (key, lock) = (format!("tracked:{id}"), format!("lock:{id}"));
        let mut pushed = 0;
        loop {
            let json = self.ask(&[b"GET", key.as_bytes()], &mut pushed).await.map_err(Failure::of)?;
            if let Some(json) = json {
                return serde_json::from_slice(&json).map_err(Failure::of);
            }
            pushed = 0;
            let locked = self.ask(&[b"SET", lock.as_bytes(), b"1", b"NX", b"PX", b"10000"], &mut pushed).await;
            if locked.map_err(Failure::of)?.is_some() {
                let user = origin::load(id).await?;
                let json = serde_json::to_vec(&user).map_err(Failure::of)?;
                self.ask(&[b"SET", key.as_bytes(), &json], &mut pushed).await.map_err(Failure::of)?;
                return Ok(user);
            }
            while pushed == 0 {
                if let Frame::Push = self.frame().await.map_err(Failure::of)? {
                    pushed += 1;
                }
            }
        }
    }
}

impl Peer for Tracked {
    async fn open(world: &World) -> Result<Self, Failure> {
        let address = world.redis.trim_start_matches("redis://").trim_end_matches('/');
        let stream = TcpStream::connect(address).await.map_err(Failure::of)?;
        stream.set_nodelay(true).map_err(Failure::of)?;
        let mut socket = Socket(BufReader::new(stream));
        socket.ask(&[b"HELLO", b"3"], &mut 0).await.map_err(Failure::of)?;
        socket.ask(&[b"CLIENT", b"TRACKING", b"ON"], &mut 0).await.map_err(Failure::of)?;
        Ok(Self(Mutex::new(socket)))
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        self.0.lock().await.find(id).await
    }

    async fn invalidate(&self, _: u64) -> Result<(), Failure> {
        Err(Failure("what is measured against does not invalidate".to_owned()))
    }
}
