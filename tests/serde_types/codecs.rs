//! Values in every codec, and two codecs over one store.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cached_runtime::{Cache, CacheSchema, CacheValue, Codec, cached, key, write_through};
use serde::{Deserialize, Serialize};

use crate::patience::PatientWorld;
use crate::promises;
use crate::support::{Count, eventually};

const CODECS: [Codec; 3] = [Codec::Json, Codec::MessagePack, Codec::Postcard];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
struct User {
    id: u32,
    name: String,
    friends: Vec<Option<Box<User>>>,
}

mod other {
    /// A place with its fields the other way round, which the bytes of postcard do not tell.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, cached_runtime::CacheSchema)]
    pub struct Place {
        pub longitude: u32,
        pub latitude: u32,
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
struct Place {
    latitude: u32,
    longitude: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Refused {
    Busy { until: Option<u64> },
}

fn user(id: u32) -> User {
    let friend = User { id: 0, name: "ann".to_owned(), friends: Vec::new() };
    User { id, name: "bob".to_owned(), friends: vec![None, Some(Box::new(friend))] }
}

/// Makes caches that share one store.
fn caches(world: &PatientWorld) -> impl Fn(Codec) -> Cache {
    let redis = world.redis.as_ref().map(|redis| redis.builder().timeout(Duration::from_secs(5)));
    let shared = Arc::new(OnceLock::new());
    move |codec| {
        let builder = redis.clone().unwrap_or_else(|| {
            let shared = Arc::clone(&shared);
            Cache::builder().wrap_store(move |own| Arc::clone(shared.get_or_init(|| own)))
        });
        builder.codec(codec).build().expect("a cache")
    }
}

struct Users {
    cache: Cache,
    loads: Count,
}

impl Users {
    fn over(cache: Cache) -> Self {
        Self { cache, loads: Count::default() }
    }

    #[cached(key = "user:<id>", ttl = 3600, cache = self.cache.clone())]
    async fn find(&self, id: u32) -> Result<Option<User>, String> {
        self.loads.add();
        Ok(Some(user(id)))
    }

    #[cached(key = "user:<id>", ttl = 3600, cache = self.cache.clone())]
    fn find_blocking(&self, id: u32) -> User {
        self.loads.add();
        user(id)
    }

    #[cached(key = "user:<id>", ttl = 3600, each = id in ids, cache = self.cache.clone())]
    async fn find_all(&self, ids: &[u32]) -> HashMap<u32, Option<User>> {
        self.loads.add();
        ids.iter().map(|&id| (id, Some(user(id)))).collect()
    }

    #[cached(key = "user:<id>", ttl = 3600, skip(value), cache = self.cache.clone())]
    async fn of_any_type<T: CacheValue + CacheSchema>(&self, id: u32, value: T) -> T {
        self.loads.add();
        value
    }

    #[write_through(key = "user:<user.id>", ttl = 3600, cache = self.cache.clone())]
    async fn save(&self, user: User) -> Result<Option<User>, String> {
        Ok(Some(user))
    }

    #[write_through(key = "user:<user.id>", ttl = 3600, value = user, cache = self.cache.clone())]
    async fn store(&self, user: &User) {}

    #[cached(key = "place:<id>", ttl = 3600, skip(value), cache = self.cache.clone())]
    async fn place<T: CacheValue + CacheSchema + Clone>(&self, id: u32, value: &T) -> T {
        self.loads.add();
        value.clone()
    }

    #[cached(key = "user:<id>", ttl = 3600, error_ttl = 3600, cache = self.cache.clone())]
    async fn refused(&self, id: u32) -> Result<User, Refused> {
        self.loads.add();
        Err(Refused::Busy { until: Some(u64::from(id)) })
    }

    #[cached(key = "user:<id>", ttl = 3600, local, cache = self.cache.clone())]
    async fn find_locally(&self, id: u32) -> Result<Option<Arc<User>>, String> {
        self.loads.add();
        Ok(Some(Arc::new(user(id))))
    }

    /// Reads it in every way there is, and says how often it was loaded.
    async fn read_all(&self, id: u32) -> u64 {
        let before = self.loads.get();
        assert_eq!(self.find(id).await, Ok(Some(user(id))));
        assert_eq!(self.find_blocking(id), user(id));
        assert_eq!(self.find_all(&[id]).await, HashMap::from([(id, Some(user(id)))]));
        assert_eq!(self.of_any_type(id, user(id)).await, user(id));
        assert_eq!(self.of_any_type(id, Some(user(id))).await, Some(user(id)));
        self.loads.get() - before
    }

    /// How often the reads and the writes of one key load, whoever has stored it.
    async fn loads_of_everybody(&self) -> Vec<u64> {
        let mut loads = Vec::new();
        self.find(1).await.unwrap();
        loads.push(self.read_all(1).await);
        self.find_all(&[2]).await;
        loads.push(self.read_all(2).await);
        self.of_any_type(3, Some(user(3))).await;
        loads.push(self.read_all(3).await);
        self.save(user(4)).await.unwrap();
        loads.push(self.read_all(4).await);
        self.store(&user(5)).await;
        loads.push(self.read_all(5).await);
        self.cache.put(&key!("user:6"), &user(6), Duration::from_secs(60)).await.unwrap();
        loads.push(self.read_all(6).await);
        assert_eq!(self.cache.get::<User>(&key!("user:1")).await, Some(user(1)));
        loads
    }
}

async fn stays<T: CacheValue + CacheSchema + Clone + PartialEq + Debug>(users: &Users, id: u32, value: &T) -> bool {
    let before = users.loads.get();
    assert_eq!(&users.place(id, value).await, value, "decoded as something that it is not");
    users.loads.get() == before
}

promises! {
    async fn whoever_stores_a_value_stores_it_for_all_in_every_codec(world: World) {
        let cache = caches(&world);
        for codec in CODECS {
            let users = Users::over(cache(codec));
            users.cache.clear().await.unwrap();
            assert_eq!(users.loads_of_everybody().await, [0; 6], "{codec:?}");
        }
    }

    async fn what_another_codec_wrote_is_read_by_that_codec(world: World) {
        let cache = caches(&world);
        for (index, (wrote, reads)) in (0..).zip(CODECS.iter().flat_map(|one| CODECS.map(|other| (*one, other)))) {
            let (writer, reader) = (Users::over(cache(wrote)), Users::over(cache(reads)));
            writer.find(index).await.unwrap();
            assert_eq!(reader.read_all(index).await, 0, "{wrote:?} read by {reads:?}");
            assert_eq!(reader.cache.get::<User>(&key!("user:<index>")).await, Some(user(index)));
        }
    }

    async fn a_remembered_error_is_read_by_the_codec_that_wrote_it(world: World) {
        let cache = caches(&world);
        for (id, (wrote, reads)) in (0..).zip(CODECS.iter().flat_map(|one| CODECS.map(|other| (*one, other)))) {
            let (writer, reader) = (Users::over(cache(wrote)), Users::over(cache(reads)));
            let refused = Err(Refused::Busy { until: Some(u64::from(id)) });
            // Whoever failed has its error before it is stored.
            eventually("a remembered error", async || {
                let before = writer.loads.get();
                assert_eq!(writer.refused(id).await, refused);
                writer.loads.get() == before
            })
            .await;
            assert_eq!(reader.refused(id).await, refused);
            assert_eq!(reader.loads.get(), 0, "{wrote:?} read by {reads:?}");
        }
    }

    async fn what_any_codec_wrote_is_kept_in_the_process(world: World) {
        let cache = caches(&world);
        for (id, (wrote, reads)) in (0..).zip(CODECS.iter().flat_map(|one| CODECS.map(|other| (*one, other)))) {
            let (writer, reader) = (Users::over(cache(wrote)), Users::over(cache(reads)));
            writer.find(id).await.unwrap();
            eventually("a local hit", async || {
                assert_eq!(reader.find_locally(id).await, Ok(Some(Arc::new(user(id)))));
                reader.cache.stats().total().hits_local > 0
            })
            .await;
            assert_eq!(reader.loads.get(), 0, "{wrote:?} read by {reads:?}");
        }
    }

    async fn without_names_another_schema_is_a_miss_and_never_decoded_as_this_one(world: World) {
        let cache = caches(&world);
        let mine = Place { latitude: 1, longitude: 2 };
        let theirs = other::Place { latitude: 1, longitude: 2 };
        let (before, after) = (Users::over(cache(Codec::Postcard)), Users::over(cache(Codec::Postcard)));
        let mut hits = (0, 0);
        for _ in 0..20 {
            hits.0 += u32::from(stays(&before, 1, &theirs).await);
            hits.1 += u32::from(stays(&after, 1, &mine).await);
        }
        assert_eq!(hits, (0, 19), "the new build's entry stays");
    }

    async fn with_names_another_schema_is_shared_where_it_decodes(world: World) {
        let cache = caches(&world);
        let mine = Place { latitude: 1, longitude: 2 };
        let theirs = other::Place { latitude: 1, longitude: 2 };
        for (id, codec) in (0..).zip([Codec::Json, Codec::MessagePack]) {
            let (before, after) = (Users::over(cache(codec)), Users::over(cache(codec)));
            assert!(!stays(&before, id, &theirs).await);
            assert!(stays(&after, id, &mine).await, "{codec:?}");
        }
    }
}
