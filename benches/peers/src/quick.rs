//! The limits of a local hit: what somebody would write who needs no more, as the example `local_hit` has it, and the
//! lookup in quick_cache alone.

#[allow(dead_code, reason = "by pointer it is measured in the example")]
#[path = "../../../examples/local_hit/by_hand.rs"]
mod by_hand;

use peer::value::{Failure, User};
use peer::{Peer, World, origin};
use quick_cache::sync::Cache;

/// How many rows it is filled with: it does not load.
const ROWS: u64 = 1 << 16;

/// The same key, hash, deadline and clone as ours.
pub struct ByHand(by_hand::ByHand);

impl Peer for ByHand {
    async fn open(_: &World) -> Result<Self, Failure> {
        let names: Vec<_> = (0..ROWS / 4).map(|id| id.to_string()).collect();
        Ok(Self(by_hand::ByHand::new(&names)))
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        let mut digits = itoa::Buffer::new();
        self.0.find(digits.format(id)).await.ok_or_else(|| Failure("not there, and this is no cache".to_owned()))
    }

    async fn invalidate(&self, _: u64) -> Result<(), Failure> {
        Err(Failure("what is measured against does not invalidate".to_owned()))
    }
}

/// A typed key, no deadline: the least that a lookup and a clone can cost.
pub struct Get(Cache<u64, User>);

impl Peer for Get {
    async fn open(_: &World) -> Result<Self, Failure> {
        Ok(Self(Cache::new(ROWS as usize)))
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        if let Some(user) = self.0.get(&id) {
            return Ok(user);
        }
        let user = origin::load(id).await?;
        self.0.insert(id, user.clone());
        Ok(user)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.0.remove(&id);
        Ok(())
    }
}
