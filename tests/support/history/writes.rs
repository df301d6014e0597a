//! All the ways to write a row and tell the cache of it.

use cached_runtime::__private::{Returned, Site, Write, begin, writing, writing_through};
use cached_runtime::key;

use super::acknowledged::acknowledged;
use super::caller::Caller;
use super::event::What;
use super::rows::{GUARDED, Refused, Row, Rows};

type Written = Returned<Result<Row, Refused>>;

impl Rows {
    /// One write. Logged as over only where the store acknowledged its end.
    pub async fn write(&self, key: u8, mut caller: Caller) {
        let (task, group) = (caller.task, Row::group(key));
        let way = caller.dice.roll(16);
        let over = if self.invalidates_before_commit {
            self.invalidate_before_commit(key, caller).await
        } else if caller.dice.once_in(500) {
            self.clear(key, &caller).await
        } else {
            match (way, group) {
                (0..3, _) => self.hide(key, caller).await,
                (3..8, _) => self.write_through(key, group, caller).await,
                (8..10, _) => self.transaction(key, caller).await,
                (10..13, Some(group)) => self.invalidate_tag(key, group, caller).await,
                _ => self.invalidate(key, caller).await,
            }
        };
        if let Some(Row { version, .. }) = over {
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
    async fn hide(&self, key: u8, caller: Caller) -> Option<Row> {
        static SITE: Site = Site::new("hide", file!(), line!(), "", GUARDED);
        let write = Write::new(&SITE).cache(&self.cache).two_phase().key(key!("row:<key>"));
        let mut write = writing(begin(write).await, Written::new().result());
        let out = write.run(self.perhaps_commit(key, caller)).await;
        let row = write.settle(out).ok()?;
        let ((), over) = acknowledged(write.finish()).await;
        over.then_some(row)
    }

    /// The new row takes the marker's place.
    async fn write_through(&self, key: u8, group: Option<u8>, caller: Caller) -> Option<Row> {
        static SITE: Site = Site::new("write_through", file!(), line!(), "", GUARDED);
        let write = Write::new(&SITE).cache(&self.cache).through().key(key!("row:<key>"));
        let write = match group {
            Some(group) => write.tag(key!("group:<group>")),
            None => write,
        };
        let mut write = writing_through(begin(write).await, Written::new().result());
        let out = write.run(self.perhaps_commit(key, caller)).await;
        let row = write.settle(out).ok()?;
        let ((), over) = acknowledged(write.finish()).await;
        over.then_some(row)
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
