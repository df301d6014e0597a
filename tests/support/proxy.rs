//! A network that misbehaves on command: TCP between a cache and a real server, on a runtime of its own, so that what
//! the tests do to theirs does not delay it.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// What the network does to everything that is sent from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Network {
    /// Passes it on at once.
    Clear,
    /// Passes answers on later, in order: by `delay`, and up to `spread` more or less.
    Late { delay: Duration, spread: Duration },
    /// Aborts every connection, and each new one (`RST`).
    Reset,
    /// Takes everything and passes nothing on, one way or both. Nobody is told, and a connection that has lost something
    /// this way stays dead when the network is clear again: TCP does not leave bytes out.
    Hole { requests: bool, answers: bool },
    /// Passes every byte on in a packet of its own.
    Split,
    /// The same, with a pause after each.
    Drip { pause: Duration },
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Request,
    Answer,
}

/// A running proxy, ended when dropped.
pub struct Proxy {
    port: u16,
    network: watch::Sender<Network>,
    toll: Arc<Toll>,
    arrivals: Arc<Mutex<Vec<Instant>>>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// In front of the server on that port of this machine.
    pub fn before(server: u16) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let (network, weather) = watch::channel(Network::Clear);
        let toll = Arc::<Toll>::default();
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
        let tolled = Arc::clone(&toll);
        let arrivals = Arc::<Mutex<Vec<Instant>>>::default();
        let arrived = Arc::clone(&arrivals);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            while let Ok((client, _)) = listener.accept().await {
                arrived.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                let line = Line { network: weather.clone(), toll: Arc::clone(&tolled), dead: AtomicBool::new(false) };
                tokio::spawn(line.connect(client, server));
            }
        });
        Self { port, network, toll, arrivals, runtime: Some(runtime) }
    }

    pub fn url(&self) -> String {
        format!("redis://{}/", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// When connections came.
    pub fn arrivals(&self) -> Vec<Instant> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets so many more commands through, of all connections together, and then nothing.
    pub fn stop_after(&self, commands: u64) {
        *self.toll.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(commands);
    }

    /// Whether it has let them all through, and something has come since.
    pub fn has_stopped(&self) -> bool {
        self.toll.stopped.load(Ordering::SeqCst)
    }

    /// How many commands have passed.
    pub fn passed(&self) -> u64 {
        self.toll.passed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Counts commands, and stops them.
#[derive(Default)]
struct Toll {
    left: Mutex<Option<u64>>,
    stopped: AtomicBool,
    passed: AtomicU64,
}

impl Toll {
    /// How much of this may pass.
    fn admit(&self, commands: &mut Commands, bytes: &[u8]) -> usize {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, byte) in bytes.iter().enumerate() {
            if *left == Some(0) {
                self.stopped.store(true, Ordering::SeqCst);
                return at;
            }
            if commands.end_with(*byte) {
                self.passed.fetch_add(1, Ordering::SeqCst);
                if let Some(left) = &mut *left {
                    *left -= 1;
                }
            }
        }
        bytes.len()
    }
}

/// Finds the ends of commands in what a client sends: arrays of strings, each with its length before it.
#[derive(Default)]
struct Commands {
    line: Vec<u8>,
    strings: usize,
    bytes: usize,
}

impl Commands {
    /// Whether a command ends with this byte.
    fn end_with(&mut self, byte: u8) -> bool {
        if self.bytes > 0 {
            self.bytes -= 1;
            if self.bytes == 0 {
                self.strings -= 1;
            }
            return self.bytes == 0 && self.strings == 0;
        }
        self.line.push(byte);
        if self.line.ends_with(b"\r\n") {
            let line = String::from_utf8(std::mem::take(&mut self.line)).expect("a length");
            let number = line[1..].trim_end().parse().expect("a length");
            match &line[..1] {
                "*" => self.strings = number,
                // With the end of its line.
                _ => self.bytes = number + 2,
            }
        }
        false
    }
}

/// One connection.
struct Line {
    network: watch::Receiver<Network>,
    toll: Arc<Toll>,
    /// It has lost something.
    dead: AtomicBool,
}

impl Line {
    async fn connect(self, mut client: TcpStream, server: SocketAddr) {
        if self.now() == Network::Reset {
            let _ = client.set_zero_linger();
            return;
        }
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let mut network = self.network.clone();
        let is_reset = tokio::select! {
            _ = self.pass(from_client, to_server, Way::Request) => false,
            _ = self.pass(from_server, to_client, Way::Answer) => false,
            reset = network.wait_for(|network| *network == Network::Reset) => reset.is_ok(),
        };
        if is_reset {
            let _ = client.set_zero_linger();
        }
    }

    fn now(&self) -> Network {
        *self.network.borrow()
    }

    /// One way, until its sender has ended.
    async fn pass(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, way: Way) -> io::Result<()> {
        let (sent, mut arriving) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        let read = async move {
            let (mut commands, mut buffer, mut before) = (Commands::default(), vec![0; 64 << 10], Instant::now());
            loop {
                let count = from.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(());
                }
                let mut bytes = &buffer[..count];
                if way == Way::Request {
                    bytes = &bytes[..self.toll.admit(&mut commands, bytes)];
                }
                if bytes.len() < count || self.swallows(way) {
                    self.dead.store(true, Ordering::SeqCst);
                }
                // Whoever comes first does not overtake.
                before = self.due(way).max(before);
                if !bytes.is_empty() && sent.send((before, bytes.to_vec())).is_err() {
                    return Ok(());
                }
            }
        };
        let write = async move {
            while let Some((due, bytes)) = arriving.recv().await {
                sleep_until(due).await;
                // Also what was read before the network was like that.
                if self.swallows(way) {
                    self.dead.store(true, Ordering::SeqCst);
                }
                if !self.dead.load(Ordering::SeqCst) {
                    self.deliver(&mut to, &bytes).await?;
                }
            }
            io::Result::Ok(())
        };
        tokio::try_join!(read, write).map(|_| ())
    }

    fn swallows(&self, way: Way) -> bool {
        match self.now() {
            Network::Hole { requests, answers } => (requests && way == Way::Request) || (answers && way == Way::Answer),
            _ => false,
        }
    }

    fn due(&self, way: Way) -> Instant {
        match self.now() {
            Network::Late { delay, spread } if way == Way::Answer => {
                Instant::now() + (delay + spread.mul_f64(2.0 * fastrand::f64())).saturating_sub(spread)
            }
            _ => Instant::now(),
        }
    }

    async fn deliver(&self, to: &mut WriteHalf<'_>, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((byte, rest)) = bytes.split_first() {
            match self.now() {
                Network::Split => tokio::task::yield_now().await,
                Network::Drip { pause } => sleep(pause).await,
                _ => return to.write_all(bytes).await,
            }
            to.write_all(std::slice::from_ref(byte)).await?;
            bytes = rest;
        }
        Ok(())
    }
}
