//! Why there is no connection, in words that quote no server and no secret.

#[cfg(feature = "tls")]
use std::error::Error;
use std::fmt;
#[cfg(feature = "tls")]
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

/// See the module.
pub(super) enum Failure {
    Error(RedisError),
    /// The server does not know what is needed.
    TooOld,
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        // What does not speak RESP3 is older than 6.0.
        if error.kind() == ErrorKind::RESP3NotSupported { Self::TooOld } else { Self::Error(error) }
    }
}

/// An error's code, and what is wrong with a certificate.
pub(super) struct Reason<'e>(pub(super) &'e RedisError);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "tls")]
        if let Some(error) = certificate(self.0) {
            return write!(f, "its certificate is refused: {}", refused(error));
        }
        match self.0.code() {
            Some(code) => f.write_str(code),
            None => write!(f, "{:?}", self.0.kind()),
        }
    }
}

/// What TLS says of the server's certificate, which the client library hands on within an input/output error.
#[cfg(feature = "tls")]
fn certificate(error: &RedisError) -> Option<&rustls::CertificateError> {
    // The client names as its cause the pointer in which it keeps it; what that one names is too far down.
    let kept = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    match kept.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(refused) => Some(refused),
        _ => None,
    }
}

/// What to do about it.
#[cfg(feature = "tls")]
fn refused(error: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as Why;
    match error {
        Why::NotValidForName | Why::NotValidForNameContext { .. } => {
            "it is made out to other names than the URL's host; use one of its names in the URL"
        }
        Why::UnknownIssuer => {
            "nobody here trusts who issued it; add the issuer to the system's certificates, or name its file in SSL_CERT_FILE"
        }
        Why::Expired | Why::ExpiredContext { .. } => "it has expired; the server needs a new one",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "it is not valid yet; are the clocks right?",
        _ => "it is not valid",
    }
}
