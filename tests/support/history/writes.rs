//! All the ways to write a row and tell the cache of it.

use cached_runtime::{invalidate, key, write_through};

use super::acknowledged::acknowledged;
use super::caller::Caller;
use super::event::What;
use super::rows::{Refused, Row, Rows};

/// What was written, if the store acknowledged it.
async fn over(write: impl Future<Output = Result<Row, Refused>>) -> Option<Row> {
    let (row, acknowledged) = acknowledged(write).await;
    row.ok().filter(|_| acknowledged)
}

impl Rows {
    /// One write. Logged as over only where the store acknowledged its end.
    pub async fn write(&self, key: u8, mut caller: Caller) {
        let (task, group) = (caller.task, Row::group(key));
        let way = caller.dice.roll(16);
        let written = if self.habits.invalidates_before_commit {
            self.invalidate_before_commit(key, caller).await
        } else if caller.dice.once_in(self.habits.clears_one_in) {
            self.clear(key, &caller).await
        } else {
            match (way, group) {
                (0..3, _) => over(self.hide(key, caller)).await,
                (3..8, Some(group)) => over(self.write_through_tagged(key, group, caller)).await,
                (3..8, None) => over(self.write_through(key, caller)).await,
                (8..10, _) => self.transaction(key, caller).await,
                (10..13, Some(group)) => self.invalidate_tag(key, group, caller).await,
                _ => self.invalidate(key, caller).await,
            }
        };
        if let Some(Row { version, .. }) = written {
            self.log.add(task, key, What::Invalidated { version });
        }
    }

    async fn invalidate(&self, key: u8, mut caller: Caller) -> Option<Row> {
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        self.cache.invalidate(&key!("row:<key>")).await.is_ok().then_some(row)
    }

    async fn invalidate_tag(&self, key: u8, group: u8, mut caller: Caller) -> Option<Row> {
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        self.cache.invalidate_tag(&key!("group:<group>")).await.is_ok().then_some(row)
    }

    async fn clear(&self, key: u8, caller: &Caller) -> Option<Row> {
        let row = self.commit(key, caller.task).await;
        self.cache.clear().await.is_ok().then_some(row)
    }

    /// What is read inside bypasses the cache; what is invalidated waits.
    async fn transaction(&self, key: u8, mut caller: Caller) -> Option<Row> {
        let scope = self.cache.transaction();
        self.cache.invalidate(&key!("row:<key>")).await.ok()?;
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        self.read(key, own).await;
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        scope.commit().await.is_ok().then_some(row)
    }

    /// A marker hides the row while it is written.
    #[invalidate(key = "row:<key>", two_phase, cache = self.cache.clone())]
    async fn hide(&self, key: u8, caller: Caller) -> Result<Row, Refused> {
        self.perhaps_commit(key, caller).await
    }

    /// The new row takes the marker's place.
    #[write_through(key = "row:<key>", ttl = |row| row.ttl(), cache = self.cache.clone())]
    async fn write_through(&self, key: u8, caller: Caller) -> Result<Row, Refused> {
        self.perhaps_commit(key, caller).await
    }

    #[write_through(key = "row:<key>", tag = "group:<group>", ttl = |row| row.ttl(), cache = self.cache.clone())]
    async fn write_through_tagged(&self, key: u8, group: u8, caller: Caller) -> Result<Row, Refused> {
        self.perhaps_commit(key, caller).await
    }

    /// The body of a write: it takes a moment, and one in thirty fails before it has written anything.
    async fn perhaps_commit(&self, key: u8, mut caller: Caller) -> Result<Row, Refused> {
        caller.dice.moment().await;
        if caller.dice.once_in(30) {
            return Err(Refused);
        }
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        Ok(row)
    }

    async fn invalidate_before_commit(&self, key: u8, mut caller: Caller) -> Option<Row> {
        let invalidated = self.cache.invalidate(&key!("row:<key>")).await;
        caller.dice.moment().await;
        let row = self.commit(key, caller.task).await;
        invalidated.is_ok().then_some(row)
    }
}
