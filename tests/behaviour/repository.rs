//! A repository as applications have it, over a real database: what each of its writes makes old, and what it does not.

use std::sync::Arc;

use cached_runtime::{Cache, CacheKey, cached, invalidate};

use crate::database::{Database, User};
use crate::promises;
use crate::support::Count;

#[derive(CacheKey)]
#[cache_key("user:<id>", value = User)]
struct UserKey {
    id: i64,
}

#[derive(CacheKey)]
#[cache_key("user:email:<email>", value = User)]
struct EmailKey<'e> {
    email: &'e str,
}

/// What a change of e-mail address was from and to.
struct Moved {
    from: User,
    to: User,
}

#[derive(Clone)]
struct Users {
    cache: Cache,
    database: Arc<Database>,
    loads: Count,
}

impl Users {
    async fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), database: Arc::new(Database::empty().await), loads: Count::default() }
    }

    fn seen_from(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    #[cached(key = UserKey { id }, ttl = 3600, none_ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        self.loads.add();
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.database.pool).await
    }

    #[cached(key = EmailKey { email }, ttl = 3600, none_ttl = 60, mutex, cache = self.cache.clone())]
    async fn find_by_email(&self, email: &str) -> Result<Option<User>, sqlx::Error> {
        self.loads.add();
        sqlx::query_as("SELECT * FROM users WHERE email = ?").bind(email).fetch_optional(&self.database.pool).await
    }

    /// On purpose without a cache: a list of ids is hardly ever asked for twice.
    async fn find_many(&self, ids: &[i64]) -> Result<Vec<User>, sqlx::Error> {
        self.loads.add();
        sqlx::query_as("SELECT * FROM users WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id")
            .bind(serde_json::to_string(ids).unwrap())
            .fetch_all(&self.database.pool)
            .await
    }

    #[invalidate(key = UserKey { id: result.id }, key = "user:email:<result.email>", cache = self.cache.clone())]
    async fn create(&self, email: &str, name: &str) -> Result<User, sqlx::Error> {
        sqlx::query_as("INSERT INTO users (email, name) VALUES (?, ?) RETURNING *")
            .bind(email)
            .bind(name)
            .fetch_one(&self.database.pool)
            .await
    }

    #[invalidate(key = UserKey { id }, key = EmailKey { email: &result.email }, cache = self.cache.clone())]
    async fn update(&self, id: i64, name: &str) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as("UPDATE users SET name = ? WHERE id = ? RETURNING *")
            .bind(name)
            .bind(id)
            .fetch_optional(&self.database.pool)
            .await
    }

    #[invalidate(
        key = "user:<id>", key = "user:email:<result.from.email>", key = "user:email:<result.to.email>",
        cache = self.cache.clone()
    )]
    async fn change_email(&self, id: i64, email: &str) -> Result<Moved, sqlx::Error> {
        let mut tx = self.database.pool.begin_with("BEGIN IMMEDIATE").await?;
        let from = sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_one(&mut *tx).await?;
        let to = sqlx::query_as("UPDATE users SET email = ? WHERE id = ? RETURNING *")
            .bind(email)
            .bind(id)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Moved { from, to })
    }

    /// Neither told the old address nor looking for it.
    #[invalidate(key = UserKey { id }, key = EmailKey { email }, cache = self.cache.clone())]
    async fn change_email_blindly(&self, id: i64, email: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE users SET email = ? WHERE id = ?")
            .bind(email)
            .bind(id)
            .execute(&self.database.pool)
            .await
            .map(drop)
    }

    #[invalidate(key = UserKey { id }, key = EmailKey { email: &result.email }, cache = self.cache.clone())]
    async fn delete(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as("DELETE FROM users WHERE id = ? RETURNING *").bind(id).fetch_optional(&self.database.pool).await
    }

    /// Who looks a user up by e-mail address does not ask for this number.
    #[invalidate(key = UserKey { id }, cache = self.cache.clone())]
    async fn count_visit(&self, id: i64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE users SET visits = visits + 1 WHERE id = ?")
            .bind(id)
            .execute(&self.database.pool)
            .await
            .map(drop)
    }

    /// Both entries of a user are there afterwards.
    async fn warm(&self, user: &User) {
        for _ in 0..2 {
            assert_eq!(self.find(user.id).await.unwrap().as_ref(), Some(user));
            assert_eq!(self.find_by_email(&user.email).await.unwrap().as_ref(), Some(user));
        }
        self.hits(async || {
            self.find(user.id).await.unwrap();
            self.find_by_email(&user.email).await.unwrap();
        })
        .await;
    }

    /// All reads in here must be hits.
    async fn hits(&self, reads: impl AsyncFnOnce()) {
        let before = self.loads.get();
        reads().await;
        assert_eq!(self.loads.get(), before, "a read was no hit");
    }

    /// As many reads in here must run their bodies.
    async fn loads(&self, count: u64, reads: impl AsyncFnOnce()) {
        let before = self.loads.get();
        reads().await;
        assert_eq!(self.loads.get(), before + count, "a read was a hit");
    }
}

promises! {
    async fn repeated_lookups_are_served_from_the_cache(world: World) {
        let users = Users::over(&world.cache).await;
        let ann = users.database.insert("ann@x", "Ann").await;
        users.loads(2, async || {
            for _ in 0..5 {
                assert_eq!(users.find(ann.id).await.unwrap().as_ref(), Some(&ann));
                assert_eq!(users.find_by_email("ann@x").await.unwrap().as_ref(), Some(&ann));
            }
        }).await;
        let elsewhere = users.seen_from(world.other_process());
        users.hits(async || {
            assert_eq!(elsewhere.find(ann.id).await.unwrap().as_ref(), Some(&ann));
            assert_eq!(elsewhere.cache.get(&UserKey { id: ann.id }).await.as_ref(), Some(&ann));
            assert_eq!(elsewhere.cache.get(&EmailKey { email: "ann@x" }).await.as_ref(), Some(&ann));
        }).await;
    }

    async fn an_unknown_user_is_cached_as_unknown(world: World) {
        let users = Users::over(&world.cache).await;
        users.loads(2, async || {
            for _ in 0..5 {
                assert_eq!(users.find(1).await.unwrap(), None);
                assert_eq!(users.find_by_email("ann@x").await.unwrap(), None);
            }
        }).await;
    }

    async fn create_clears_a_cached_not_found_of_its_email_and_of_its_id(world: World) {
        let users = Users::over(&world.cache).await;
        let elsewhere = users.seen_from(world.other_process());
        users.database.insert("bob@x", "Bob").await;
        for users in [&users, &elsewhere] {
            assert_eq!(users.find(2).await.unwrap(), None);
            assert_eq!(users.find_by_email("ann@x").await.unwrap(), None);
            assert_eq!(users.find_by_email("other@x").await.unwrap(), None);
        }
        let ann = elsewhere.create("ann@x", "Ann").await.unwrap();
        assert_eq!(ann.id, 2);
        users.warm(&ann).await;
        elsewhere.warm(&ann).await;
        users.hits(async || assert_eq!(users.find_by_email("other@x").await.unwrap(), None)).await;
    }

    async fn a_create_that_fails_leaves_the_entry_that_is_there(world: World) {
        let users = Users::over(&world.cache).await;
        let ann = users.create("ann@x", "Ann").await.unwrap();
        users.warm(&ann).await;
        users.create("ann@x", "Another Ann").await.expect_err("the address is taken");
        users.hits(async || users.warm(&ann).await).await;
    }

    async fn update_invalidates_the_id_entry_and_the_email_entry(world: World) {
        let users = Users::over(&world.cache).await;
        let elsewhere = users.seen_from(world.other_process());
        let ann = users.create("ann@x", "Ann").await.unwrap();
        let bob = users.create("bob@x", "Bob").await.unwrap();
        users.warm(&ann).await;
        users.warm(&bob).await;
        let renamed = elsewhere.update(ann.id, "Anna").await.unwrap().expect("a row");
        users.loads(2, async || users.warm(&renamed).await).await;
        users.hits(async || users.warm(&bob).await).await;
    }

    async fn an_update_of_nobody_invalidates_the_id_alone(world: World) {
        let users = Users::over(&world.cache).await;
        let ann = users.create("ann@x", "Ann").await.unwrap();
        users.warm(&ann).await;
        assert_eq!(users.find(9).await.unwrap(), None);
        assert_eq!(users.update(9, "Nobody").await.unwrap(), None);
        users.loads(1, async || assert_eq!(users.find(9).await.unwrap(), None)).await;
        users.hits(async || users.warm(&ann).await).await;
    }

    async fn a_changed_email_invalidates_the_old_entry_and_the_new_one(world: World) {
        let users = Users::over(&world.cache).await;
        let elsewhere = users.seen_from(world.other_process());
        let ann = users.create("ann@x", "Ann").await.unwrap();
        users.warm(&ann).await;
        assert_eq!(users.find_by_email("anna@x").await.unwrap(), None, "and that is cached");
        // The other process has never seen the old address: it is in what its own write returned.
        let moved = elsewhere.change_email(ann.id, "anna@x").await.unwrap();
        assert_eq!((&moved.from, &*moved.to.email), (&ann, "anna@x"));
        assert_eq!(users.find_by_email("ann@x").await.unwrap(), None);
        users.warm(&moved.to).await;
    }

    /// The limit: keys are made of arguments and of the result. An old address that is in neither stays cached for its
    /// ttl; `change_email` above is the way to write it.
    async fn an_old_email_that_the_write_neither_takes_nor_returns_stays_cached(world: World) {
        let users = Users::over(&world.cache).await;
        let ann = users.create("ann@x", "Ann").await.unwrap();
        users.warm(&ann).await;
        users.change_email_blindly(ann.id, "anna@x").await.unwrap();
        users.hits(async || assert_eq!(users.find_by_email("ann@x").await.unwrap(), Some(ann.clone()))).await;
        let moved = users.database.user(ann.id).await.expect("a row");
        users.warm(&moved).await;
    }

    async fn delete_invalidates_both_entries(world: World) {
        let users = Users::over(&world.cache).await;
        let elsewhere = users.seen_from(world.other_process());
        let ann = users.create("ann@x", "Ann").await.unwrap();
        users.warm(&ann).await;
        assert_eq!(elsewhere.delete(ann.id).await.unwrap(), Some(ann.clone()));
        users.loads(2, async || {
            assert_eq!(users.find(ann.id).await.unwrap(), None);
            assert_eq!(users.find_by_email("ann@x").await.unwrap(), None);
        }).await;
    }

    async fn a_narrow_update_drops_the_id_entry_only(world: World) {
        let users = Users::over(&world.cache).await;
        let ann = users.create("ann@x", "Ann").await.unwrap();
        users.warm(&ann).await;
        users.count_visit(ann.id).await.unwrap();
        users.hits(async || assert_eq!(users.find_by_email("ann@x").await.unwrap(), Some(ann.clone()))).await;
        let visited = users.find(ann.id).await.unwrap().expect("a row");
        assert_eq!(visited.visits, 1);
    }

    async fn batch_reads_without_the_attribute_are_never_cached(world: World) {
        let users = Users::over(&world.cache).await;
        let (ann, bob) = (users.create("ann@x", "Ann").await.unwrap(), users.create("bob@x", "Bob").await.unwrap());
        users.loads(3, async || {
            for _ in 0..3 {
                assert_eq!(users.find_many(&[ann.id, bob.id]).await.unwrap(), [ann.clone(), bob.clone()]);
            }
        }).await;
        users.loads(1, async || drop(users.find(ann.id).await.unwrap())).await;
        // What changes behind the cache's back is in the list, and not in the entry.
        sqlx::query("UPDATE users SET name = 'Anna'").execute(&users.database.pool).await.unwrap();
        assert_eq!(users.find_many(&[ann.id]).await.unwrap()[0].name, "Anna");
        users.hits(async || assert_eq!(users.find(ann.id).await.unwrap(), Some(ann.clone()))).await;
    }
}
