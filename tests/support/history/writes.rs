//! All the ways to write a row and tell the cache of it.

use cached_runtime::{invalidate, key, write_through};

use super::acknowledged::acknowledged;
use super::caller::Caller;
use super::event::What;
use super::rows::{Refused, Row, Rows};

/// A write that succeeded, and whether the store acknowledged its end.
type Written = Result<(Row, bool), Refused>;

async fn over(write: impl Future<Output = Result<Row, Refused>>) -> Written {
    let (row, acknowledged) = acknowledged(write).await;
    Ok((row?, acknowledged))
}

impl Rows {
    /// One write, logged as over or as queued. Whether it succeeded.
    pub async fn write(&self, key: u8, mut caller: Caller) -> bool {
        let (task, group) = (caller.task, Row::group(key));
        let way = caller.dice.roll(16);
        let written = if self.habits.invalidates_before_commit {
            self.invalidate_before_commit(key, caller).await
        } else if caller.dice.once_in(self.habits.clears_one_in) {
            self.clear(key, &caller).await
        } else {
            match (way, group) {
                (_, Some(group)) if self.habits.by_tag => self.invalidate_tag(key, group, caller).await,
                (0..3, _) => over(self.hide(key, caller)).await,
                // What is written says nothing of rows that are not there.
                (3..8, _) if self.habits.absent_one_in > 0 => self.invalidate(key, caller).await,
                (3..8, Some(group)) => over(self.write_through_tagged(key, group, caller)).await,
                (3..8, None) => over(self.write_through(key, caller)).await,
                (8..10, _) => self.transaction(key, caller).await,
                (10..13, Some(group)) => self.invalidate_tag(key, group, caller).await,
                _ => self.invalidate(key, caller).await,
            }
        };
        if let Ok((Row { version, .. }, acknowledged)) = written {
            let over = if acknowledged { What::Invalidated { version } } else { What::Queued { version } };
            self.log.add(task, key, over);
        }
        written.is_ok()
    }

    async fn invalidate(&self, key: u8, mut caller: Caller) -> Written {
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        Ok((row, self.cache.invalidate(&key!("row:<key>")).await.is_ok()))
    }

    async fn invalidate_tag(&self, key: u8, group: u8, mut caller: Caller) -> Written {
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        Ok((row, self.cache.invalidate_tag(&key!("group:<group>")).await.is_ok()))
    }

    async fn clear(&self, key: u8, caller: &Caller) -> Written {
        let row = self.commit(key, caller.task).await;
        Ok((row, self.cache.clear().await.is_ok()))
    }

    /// What is read inside bypasses the cache; what is invalidated waits.
    async fn transaction(&self, key: u8, mut caller: Caller) -> Written {
        let scope = self.cache.transaction();
        // Queued in the scope: nobody is asked.
        self.cache.invalidate(&key!("row:<key>")).await.map_err(|_| Refused)?;
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        self.read(key, own).await;
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        Ok((row, scope.commit().await.is_ok()))
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
        if caller.dice.once_in(30) && self.habits.fails {
            return Err(Refused);
        }
        let row = self.commit(key, caller.task).await;
        caller.dice.moment().await;
        Ok(row)
    }

    async fn invalidate_before_commit(&self, key: u8, mut caller: Caller) -> Written {
        let invalidated = self.cache.invalidate(&key!("row:<key>")).await;
        caller.dice.moment().await;
        let row = self.commit(key, caller.task).await;
        Ok((row, invalidated.is_ok()))
    }
}
