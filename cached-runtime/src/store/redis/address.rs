//! Where a server is: a URL, without its password in anything that is printed.

#[cfg(feature = "sentinel")]
use redis::RedisConnectionInfo;
use redis::io::tcp::TcpSettings;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
#[cfg(target_os = "linux")]
use std::time::Duration;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::error::Error;

/// A peer that vanished without a word is given up after this; keep-alive alone would not do it while requests are
/// outstanding.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(3);

/// A server's address with what it takes to log in.
#[derive(Clone)]
pub(crate) struct Address(ConnectionInfo);

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(Error::Url("it has no scheme".to_owned()));
        };
        // `unix:/path` is how people write it; the client wants an authority.
        let url = match scheme {
            "unix" if !rest.starts_with("//") => format!("unix://{rest}"),
            "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => url.to_owned(),
            "rediss" | "valkeys" if cfg!(feature = "tls") => url.to_owned(),
            "rediss" | "valkeys" => {
                return Err(Error::Feature { feature: "tls", wanted: format!("a `{scheme}://` URL") });
            }
            _ => {
                return Err(Error::Url(format!("the scheme `{}` is none of them", printable(scheme))));
            }
        };
        // The client's own words may quote the URL, password and all: they are not passed on.
        let info = url.as_str().into_connection_info().map_err(|error| Error::Url(reason(&error).to_owned()))?;
        #[cfg(feature = "tls")]
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            // Where the application chose none, rustls would refuse every connection. Its choice, if it made one, stays.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        // RESP3, since only there the server tells about disconnection and changed keys.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(USER_TIMEOUT);
        Ok(Self(info.set_redis_settings(settings).set_tcp_settings(tcp)))
    }

    /// The same credentials and settings at another address.
    #[cfg(any(feature = "cluster", feature = "sentinel"))]
    pub(crate) fn at(&self, host: &str, port: u16) -> Self {
        let host = host.to_owned();
        let address = match self.0.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Self(self.0.clone().set_addr(address))
    }

    /// Not of a socket in the file system.
    #[cfg(any(feature = "cluster", feature = "sentinel"))]
    pub(crate) fn host_and_port(&self) -> Option<(&str, u16)> {
        match self.0.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => Some((host, *port)),
            _ => None,
        }
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self.0.addr(), ConnectionAddr::TcpTls { .. })
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn database(&self) -> i64 {
        self.0.redis_settings().db()
    }

    /// The same server without a database or credentials: what a sentinel takes.
    #[cfg(feature = "sentinel")]
    pub(crate) fn plain(&self, logged_in: bool) -> Self {
        let mut settings = self.0.redis_settings().clone().set_db(0);
        if !logged_in {
            settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        }
        Self(self.0.clone().set_redis_settings(settings))
    }

    /// A stream to it, with the settings that the client would give it; none where it is encrypted.
    pub(crate) async fn stream(&self) -> std::io::Result<Stream> {
        match self.0.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let stream = connect(host, *port).await?;
                stream.set_nodelay(true)?;
                #[cfg(target_os = "linux")]
                socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT))?;
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
            _ => Ok(Stream::Other),
        }
    }

    pub(crate) fn info(&self) -> ConnectionInfo {
        self.0.clone()
    }
}

/// To all addresses of the name at once, as the client does: of several one may swallow what it is sent.
async fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    for address in tokio::net::lookup_host((host, port)).await? {
        attempts.spawn(TcpStream::connect(address));
    }
    let mut failed = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            Err(_) => {}
        }
    }
    Err(failed)
}

/// What [`Address::stream`] opened.
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// Nothing: it is the client's to open.
    Other,
}

/// What is wrong, of the client's fixed phrases.
fn reason(error: &redis::RedisError) -> &'static str {
    let text = error.to_string();
    for known in ["Invalid database number", "Missing hostname", "Missing path", "wildcard address", "protocol version"]
    {
        if text.contains(known) {
            return known;
        }
    }
    "it does not parse"
}

/// A scheme is short and plain; anything else may be a misplaced secret.
fn printable(scheme: &str) -> &str {
    let plain = scheme.len() <= 16 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if plain { scheme } else { "..." }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.addr() {
            ConnectionAddr::Tcp(host, port) => write!(f, "{host}:{port}"),
            ConnectionAddr::TcpTls { host, port, .. } => write!(f, "{host}:{port} (TLS)"),
            ConnectionAddr::Unix(path) => write!(f, "{}", path.display()),
            _ => f.write_str("redis"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_urls_are_understood() {
        for url in [
            "redis://127.0.0.1/",
            "redis://user:secret@localhost:6380/2",
            "valkey://localhost",
            "unix:/tmp/redis.sock",
            "unix:///tmp/redis.sock",
            "redis+unix:///tmp/redis.sock?db=1",
            "redis://[::1]:6379",
        ] {
            assert!(Address::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn no_password_is_ever_printed() {
        for url in [
            "redis://user:hunter2@localhost:6380/2",
            "redis://user:hunter2@localhost:notaport/2",
            "redis://user:hunter2@localhost/notadb",
            "http://user:hunter2@localhost",
            "hunter2",
            "user hunter2:x@localhost",
            "redis://user:hunter2@",
            "unix:///tmp/s?pass=hunter2&db=x",
            "rediss://user:hunter2@localhost",
        ] {
            let printed = match Address::parse(url) {
                Ok(address) => format!("{address:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!printed.contains("hunter2"), "{url} printed {printed}");
        }
    }
}
