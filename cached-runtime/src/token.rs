//! Tokens: what a lease placeholder carries so that only its own acquirer can fill, renew or release it.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Unique per *acquisition attempt*: 8 random bytes of this process and a counter.
///
/// Not per process: with one token for all its attempts, a process whose lease expired mid-load would take the next
/// holder's lease for its own and fill it with the older value (5 steps: two starts, an expiry, an error, a start).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token([u8; 16]);

impl Token {
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&process());
        bytes[8..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Self(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether this process made it: then the load is in our own hands and can be joined without asking Redis.
    pub(crate) fn is_ours(&self) -> bool {
        self.0[..8] == process()
    }

    /// A name for one stored value, unique over processes.
    pub(crate) fn fill_id(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.0)
    }
}

fn process() -> [u8; 8] {
    static PROCESS: OnceLock<[u8; 8]> = OnceLock::new();
    *PROCESS.get_or_init(|| {
        // `RandomState` is keyed by the operating system's randomness.
        let random = RandomState::new();
        random.hash_one((std::process::id(), std::time::SystemTime::now())).to_le_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_has_its_own_token() {
        let (a, b) = (Token::fresh(), Token::fresh());
        assert_ne!(a, b);
        assert_ne!(a.fill_id(), b.fill_id());
        assert!(a.is_ours());
        assert!(!Token::from_bytes(&[7; 16]).unwrap().is_ours());
    }
}
