//! Tokens: what a lease placeholder carries so that only its own acquirer can fill, renew or release it.

use std::cell::Cell;
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
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&process());
        bytes[8..].copy_from_slice(&number().to_le_bytes());
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

/// A number that no attempt of this process has had. Each thread takes many at a time: a counter that all of them add to
/// is a line of memory that they would hand to each other with every call.
fn number() -> u64 {
    const MANY: u64 = 1 << 16;
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        /// The next one, and how many are left.
        static OWN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    let take = |own: &Cell<(u64, u64)>| {
        let (next, left) = match own.get() {
            (_, 0) => (NEXT.fetch_add(MANY, Ordering::Relaxed), MANY),
            own => own,
        };
        own.set((next + 1, left - 1));
        next
    };
    OWN.try_with(take).unwrap_or_else(|_| NEXT.fetch_add(1, Ordering::Relaxed))
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
        let many = || (0..70_000).map(|_| Token::fresh()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(many)).collect();
        let tokens: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(tokens.iter().collect::<std::collections::HashSet<_>>().len(), tokens.len());
    }
}
