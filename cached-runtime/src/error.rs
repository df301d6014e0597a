//! Errors of explicit calls. A cached call never fails because of the cache.

use std::fmt;

use crate::store::StoreError;

/// Why the cache could not be built or an explicit call could not be carried out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not one of a Redis server. The text says what is wrong with it and never quotes it, since it may hold
    /// a password.
    Url(String),
    /// Something needs a feature of this crate that is not switched on.
    Feature {
        /// The feature's name.
        feature: &'static str,
        /// What needs it.
        wanted: String,
    },
    /// A setting has a value that it cannot have.
    Setting(String),
    /// The store did not answer in time, or there is no connection to it. An invalidation that ends so has not
    /// happened; a command that was already sent may still be carried out.
    Unavailable,
    /// The store answered that it would not (read-only, out of memory, not permitted); the text is its error code.
    Refused(String),
    /// The value cannot be stored: what its codec writes would not read back as the same value.
    Unstorable,
    /// The value's entry would be larger than [`Builder::max_value`](crate::Builder::max_value).
    Oversized {
        /// The largest one, in bytes.
        limit: usize,
    },
    /// The key has a `|hash` place whose value refused to be serialized.
    Unhashable,
    /// The queue of a `#[write_behind]` function with `on_full = error` holds as many writes as it may.
    QueueFull,
    /// This cache is switched off.
    Disabled,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(
                f,
                "not the URL of a Redis server: {why}; write `redis://[user:password@]host[:port][/db]`, `rediss://...`, \
                 `valkey://...`, `unix:/path/to/socket`, `redis+cluster://host,host` or `redis+sentinel://host,host/master`"
            ),
            Self::Feature { feature, wanted } => {
                write!(
                    f,
                    "{wanted} needs the feature `{feature}` of cached-runtime: add it to the dependency's `features`"
                )
            }
            Self::Setting(what) => f.write_str(what),
            Self::Unavailable => f.write_str("the cache's store is not available"),
            Self::Refused(code) => write!(f, "the cache's store refused ({code})"),
            Self::Unstorable => f.write_str("the value does not read back as it was written, so it is not stored"),
            Self::Oversized { limit } => {
                write!(f, "the value takes more than {limit} bytes: store less of it, or raise `Builder::max_value`")
            }
            Self::Unhashable => f.write_str("a `|hash` place of the key refused to be serialized"),
            Self::QueueFull => f.write_str(
                "the queue is full: see that its worker runs and the database keeps up, raise `high_water`, or leave \
                 `on_full = error` out to write in the call then",
            ),
            Self::Disabled => f.write_str("the cache is disabled"),
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Timeout => Self::Unavailable,
            StoreError::WritesRefused => Self::Refused("writes refused".to_owned()),
            StoreError::OutOfMemory => Self::Refused("OOM".to_owned()),
            StoreError::ForeignKind => Self::Refused("WRONGTYPE".to_owned()),
            StoreError::Elsewhere { .. } => Self::Refused("MOVED".to_owned()),
            StoreError::Refused(code) => Self::Refused(code),
        }
    }
}
