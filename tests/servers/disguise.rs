//! A server that claims to be an older one, until it is replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes everything on, but for the version.
pub struct Disguise {
    pub port: u16,
    worn: Arc<AtomicBool>,
}

impl Disguise {
    /// In front of the server at `upstream`.
    pub async fn of(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let worn = Arc::new(AtomicBool::new(true));
        let wears = Arc::clone(&worn);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await {
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                    let wears = Arc::clone(&wears);
                    tokio::spawn(async move {
                        let mut bytes = vec![0; 64 << 10];
                        while let Ok(read @ 1..) = from_server.read(&mut bytes).await {
                            if wears.load(Ordering::SeqCst) {
                                older(&mut bytes[..read]);
                            }
                            if to_client.write_all(&bytes[..read]).await.is_err() {
                                return;
                            }
                        }
                    });
                }
            }
        });
        Self { port, worn }
    }

    /// As if the server were replaced by a newer one.
    pub fn take_off(&self) {
        self.worn.store(false, Ordering::SeqCst);
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

/// `7.0.15` becomes `6.0.15`: as long as before.
fn older(bytes: &mut [u8]) {
    const NAME: &[u8] = b"redis_version:";
    if let Some(at) = bytes.windows(NAME.len()).position(|window| window == NAME) {
        bytes[at + NAME.len()..][..3].copy_from_slice(b"6.0");
    }
}
