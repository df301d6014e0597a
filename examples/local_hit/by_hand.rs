//! What somebody would write who needs no more than this.

use std::sync::Arc;

use ahash::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use rustix::time::{ClockId, clock_gettime};

use crate::users::User;

type Map<V> = Cache<Box<[u8]>, V, UnitWeighter, RandomState>;

/// Values with their deadlines.
pub struct ByHand {
    users: Map<(User, u64)>,
    shared: Map<(Arc<User>, u64)>,
}

/// A key on the stack.
struct Key {
    bytes: [u8; 94],
    length: usize,
}

impl Key {
    fn new(prefix: &str, name: &str) -> Option<Self> {
        let mut bytes = [0; 94];
        let length = prefix.len() + name.len();
        bytes.get_mut(..prefix.len())?.copy_from_slice(prefix.as_bytes());
        bytes.get_mut(prefix.len()..length)?.copy_from_slice(name.as_bytes());
        Some(Self { bytes, length })
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn map<V: Clone>() -> Map<V> {
    Cache::with(1 << 16, 1 << 16, UnitWeighter, RandomState::new(), DefaultLifecycle::default())
}

impl ByHand {
    pub fn new(names: &[String]) -> Self {
        let this = Self { users: map(), shared: map() };
        let until = now() + 3_600_000_000_000;
        for name in names {
            let (user, key) = (User::named(name), |prefix| Key::new(prefix, name).expect("a short name"));
            this.users.insert(key("user:").bytes().into(), (user.clone(), until));
            this.shared.insert(key("shared:").bytes().into(), (Arc::new(user), until));
        }
        this
    }

    pub async fn find(&self, name: &str) -> Option<User> {
        let (user, until) = self.users.get(Key::new("user:", name)?.bytes())?;
        (now() < until).then_some(user)
    }

    pub async fn find_shared(&self, name: &str) -> Option<Arc<User>> {
        let (user, until) = self.shared.get(Key::new("shared:", name)?.bytes())?;
        (now() < until).then_some(user)
    }
}
