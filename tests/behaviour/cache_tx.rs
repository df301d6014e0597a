//! Transactions of a real database, and the cache with them: nobody is ever served what is not committed.

use std::sync::Arc;

use cached_runtime::{Cache, CacheTx, cached, invalidate, key, write_through};
use sqlx::{Acquire, Executor, Sqlite, Transaction};

use crate::database::{Database, User};
use crate::patience::{PatientWorld, SteeredWorld};
use crate::steered::Op;
use crate::steps::polled;
use crate::support::{Count, eventually};
use crate::{on_both_backends, promises};

#[derive(Clone)]
struct Users {
    cache: Cache,
    database: Arc<Database>,
    loads: Count,
}

impl Users {
    /// With one user, who is cached.
    async fn with_ann(cache: &Cache) -> Self {
        let users = Self { cache: cache.clone(), database: Arc::new(Database::empty().await), loads: Count::default() };
        users.database.insert("ann@x", "Ann").await;
        assert_eq!(users.name().await, "Ann");
        users
    }

    fn seen_from(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    #[cached(key = "user:<id>", ttl = 60, none_ttl = 60, skip(executor), cache = self.cache.clone())]
    async fn find<'e, E>(&self, executor: E, id: i64) -> Result<Option<User>, sqlx::Error>
    where
        E: Executor<'e, Database = Sqlite>,
    {
        self.loads.add();
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(executor).await
    }

    #[invalidate(key = "user:<id>", after_commit, cache = self.cache.clone())]
    async fn rename(&self, tx: &mut Transaction<'_, Sqlite>, id: i64, name: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE users SET name = ? WHERE id = ?").bind(name).bind(id).execute(&mut **tx).await.map(drop)
    }

    #[write_through(key = "user:<id>", ttl = 60, after_commit, cache = self.cache.clone())]
    async fn rename_through(&self, tx: &mut Transaction<'_, Sqlite>, id: i64, name: &str) -> Result<User, sqlx::Error> {
        sqlx::query_as("UPDATE users SET name = ? WHERE id = ? RETURNING *")
            .bind(name)
            .bind(id)
            .fetch_one(&mut **tx)
            .await
    }

    #[invalidate(key = "user:<result.id>", after_commit, cache = self.cache.clone())]
    async fn create(&self, tx: &mut Transaction<'_, Sqlite>, email: &str) -> Result<User, sqlx::Error> {
        sqlx::query_as("INSERT INTO users (email, name) VALUES (?, 'new') RETURNING *")
            .bind(email)
            .fetch_one(&mut **tx)
            .await
    }

    /// As somebody in another task, with a connection of his own, is served.
    async fn name(&self) -> String {
        let users = self.clone();
        let found = tokio::spawn(async move { users.find(&users.database.pool, 1).await });
        found.await.expect("no panic").unwrap().expect("a row").name
    }

    /// The same, and whether it was a hit.
    async fn name_and_hit(&self) -> (String, bool) {
        let before = self.loads.get();
        let name = self.name().await;
        (name, self.loads.get() == before)
    }

    async fn must_hit(&self, name: &str) {
        assert_eq!(self.name_and_hit().await, (name.to_owned(), true));
    }

    async fn must_load(&self, name: &str) {
        assert_eq!(self.name_and_hit().await, (name.to_owned(), false));
    }
}

promises! {
    async fn a_read_inside_sees_what_is_not_committed_and_caches_none_of_it(world: World) {
        let users = Users::with_ann(&world.cache).await;
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        users.rename(&mut tx, 1, "Anna").await.unwrap();
        for _ in 0..2 {
            let seen = users.find(&mut **tx, 1).await.unwrap().expect("a row");
            assert_eq!(seen.name, "Anna");
        }
        let created = users.create(&mut tx, "bob@x").await.unwrap();
        assert!(users.find(&mut **tx, created.id).await.unwrap().is_some());
        users.must_hit("Ann").await;
        let elsewhere = users.seen_from(world.other_process());
        elsewhere.must_hit("Ann").await;
        let outside = users.clone();
        let unborn = tokio::spawn(async move { outside.find(&outside.database.pool, created.id).await });
        assert_eq!(unborn.await.unwrap().unwrap(), None, "and that is cached");
        tx.commit().await.unwrap();
        elsewhere.must_load("Anna").await;
        users.must_hit("Anna").await;
        let born = users.find(&users.database.pool, created.id).await.unwrap();
        assert_eq!(born, Some(created), "the absence is still served");
    }

    async fn by_hand_the_scope_around_a_transaction_does_the_same(world: World) {
        let users = Users::with_ann(&world.cache).await;
        let scope = users.cache.transaction();
        let mut tx = users.database.pool.begin().await.unwrap();
        users.rename(&mut tx, 1, "Anna").await.unwrap();
        assert_eq!(users.find(&mut *tx, 1).await.unwrap().unwrap().name, "Anna");
        // Through a pool too: the rows from before would be stored for the time after.
        assert_eq!(users.find(&users.database.pool, 1).await.unwrap().unwrap().name, "Ann");
        users.must_hit("Ann").await;
        tx.commit().await.unwrap();
        users.must_hit("Ann").await;
        scope.commit().await.unwrap();
        users.must_load("Anna").await;
    }

    async fn what_is_rolled_back_leaves_the_entry_where_it_is(world: World) {
        let users = Users::with_ann(&world.cache).await;
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        users.rename(&mut tx, 1, "Anna").await.unwrap();
        tx.rollback().await.unwrap();
        users.must_hit("Ann").await;
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        users.rename_through(&mut tx, 1, "Anna").await.unwrap();
        drop(tx);
        users.must_hit("Ann").await;
        assert_eq!(users.database.user(1).await.unwrap().name, "Ann");
        assert_eq!(users.cache.stats().total().invalidations, 0);
    }

    async fn a_write_through_inside_stores_nothing_and_invalidates_with_the_commit(world: World) {
        let users = Users::with_ann(&world.cache).await;
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        assert_eq!(users.rename_through(&mut tx, 1, "Anna").await.unwrap().name, "Anna");
        users.must_hit("Ann").await;
        tx.commit().await.unwrap();
        assert_eq!(users.cache.get::<User>(&key!("user:1")).await, None);
        users.must_load("Anna").await;
    }

    async fn what_a_savepoint_commits_is_invalidated_once_the_whole_is_committed(world: World) {
        let users = Users::with_ann(&world.cache).await;
        let mut outer = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        let inner = outer.begin().await.unwrap();
        let mut inner = CacheTx::over(&users.cache, inner);
        users.rename(&mut inner, 1, "Anna").await.unwrap();
        inner.commit().await.unwrap();
        // Nothing is committed as far as others are concerned, who may load and store what is.
        assert_eq!(users.name().await, "Ann");
        users.must_hit("Ann").await;
        outer.commit().await.unwrap();
        users.must_load("Anna").await;
    }

    async fn a_transaction_dropped_at_any_point_of_its_commit_leaves_nothing_old(world: World) {
        let mut committed = 0;
        for polls in 0..100 {
            let users = Users::with_ann(&world.cache).await;
            let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
            users.rename(&mut tx, 1, "Anna").await.unwrap();
            let mut commit = Box::pin(tx.commit());
            let ended = polled(&mut commit, polls).await.is_some();
            drop(commit);
            // The next writer has its turn when that transaction has ended, one way or the other.
            let turn = users.database.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            turn.rollback().await.unwrap();
            let row = users.database.user(1).await.expect("a row").name;
            committed += u64::from(row == "Anna");
            eventually("the old row is served", async || users.name().await == row).await;
            users.cache.invalidate(&key!("user:1")).await.unwrap();
            if ended {
                assert!(committed > 0 && polls > 0);
                return;
            }
        }
        panic!("the commit never ends");
    }
}

on_both_backends! {
    async fn the_database_commits_before_the_invalidation_is_sent(world: World) {
        let world = SteeredWorld::from(world);
        let users = Users::with_ann(&world.cache).await;
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        users.rename(&mut tx, 1, "Anna").await.unwrap();
        world.helm.hold(&[Op::Delete]);
        let (committed, ()) = tokio::join!(tx.commit(), async {
            world.helm.has_begun(Op::Delete, 1).await;
            assert_eq!(users.database.user(1).await.unwrap().name, "Anna");
            world.helm.heal(&[Op::Delete]);
        });
        committed.unwrap();
        users.must_load("Anna").await;
    }

    async fn a_commit_that_the_database_refuses_is_its_error_and_invalidates_all_the_same(world: World) {
        let world = PatientWorld::from(world);
        let users = Users::with_ann(&world.cache).await;
        let table = "CREATE TABLE badges (owner INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)";
        sqlx::query(table).execute(&users.database.pool).await.expect(table);
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        users.rename(&mut tx, 1, "Anna").await.unwrap();
        sqlx::query("INSERT INTO badges VALUES (99)").execute(&mut **tx).await.unwrap();
        let error = tx.commit().await.expect_err("a badge of nobody");
        assert!(error.to_string().contains("FOREIGN KEY"), "{error}");
        // Of another error nobody knows whether the commit took place.
        users.must_load("Ann").await;
        users.must_hit("Ann").await;
    }

    async fn an_invalidation_that_is_not_delivered_is_no_error_of_the_commit(world: World) {
        let world = SteeredWorld::from(world);
        let users = Users::with_ann(&world.cache).await;
        let mut tx = CacheTx::begin(&users.cache, &users.database.pool).await.unwrap();
        users.rename(&mut tx, 1, "Anna").await.unwrap();
        world.helm.refuse(&[Op::Delete]);
        tx.commit().await.expect("the database has committed");
        assert_eq!(users.cache.stats().total().undelivered, 1);
        users.must_load("Anna").await;
        users.must_load("Anna").await;
        world.helm.heal(&[Op::Delete]);
        eventually("it is not delivered", async || users.name_and_hit().await == ("Anna".to_owned(), true)).await;
    }
}
