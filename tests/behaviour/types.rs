//! Several value types under one key: shared where they are one type, strangers where they are not.

use std::time::Duration;

use cached_runtime::{Cache, cached, key};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::gate::Gate;
use crate::logged;
use crate::promises;
use crate::support::{Count, eventually};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

/// Reads a `User`'s JSON without complaint, so only the type's name keeps them apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Supplier {
    id: u32,
    name: String,
}

fn user(id: u32) -> User {
    User { id, name: format!("user {id}") }
}

fn supplier(id: u32) -> Supplier {
    Supplier { id, name: format!("supplier {id}") }
}

#[derive(Clone)]
struct Parties {
    cache: Cache,
    loads: Count,
    gate: Gate,
}

impl Parties {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default(), gate: Gate::closed() }
    }

    #[cached(key = "party:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_user(&self, id: u32) -> Result<Option<User>, String> {
        self.loads.add();
        Ok(Some(user(id)))
    }

    #[cached(key = "party:<id>", ttl = 60, none_ttl = 60, cache = self.cache.clone())]
    async fn known_user(&self, id: u32) -> Option<User> {
        self.loads.add();
        (id < 100).then(|| user(id))
    }

    #[cached(key = "party:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn user(&self, id: u32) -> User {
        self.loads.add();
        tokio::task::yield_now().await;
        user(id)
    }

    #[cached(key = "party:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn supplier(&self, id: u32) -> Result<Supplier, String> {
        self.loads.add();
        tokio::task::yield_now().await;
        Ok(supplier(id))
    }

    #[cached(key = "party:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn no_supplier(&self, id: u32) -> Option<Supplier> {
        self.loads.add();
        self.gate.pass().await;
        None
    }

    #[cached(key = "party:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn some_user(&self, id: u32) -> Option<User> {
        self.loads.add();
        Some(user(id))
    }

    #[cached(key = "odd:<id>", ttl = 60, cache = self.cache.clone())]
    async fn maybe_unit(&self, id: u32) -> Result<Option<()>, String> {
        self.loads.add();
        Ok(Some(()))
    }

    #[cached(key = "odd:<id>", ttl = 60, cache = self.cache.clone())]
    async fn maybe_maybe(&self, id: u32) -> Option<Option<u8>> {
        self.loads.add();
        Some(None)
    }

    #[cached(key = "odd:<id>", ttl = 60, skip(body), cache = self.cache.clone())]
    async fn of_any_type<T>(&self, id: u32, body: impl Fn() -> T) -> T
    where
        T: Serialize + serde::de::DeserializeOwned,
    {
        self.loads.add();
        body()
    }
}

promises! {
    async fn an_option_and_its_value_share_entries(world: World) {
        let parties = Parties::over(&world.cache);
        let stored = async |id: u32| {
            assert_eq!(parties.find_user(id).await, Ok(Some(user(id))));
            assert_eq!(parties.known_user(id).await, Some(user(id)));
            assert_eq!(parties.user(id).await, user(id));
            assert_eq!(world.cache.get::<User>(&key!("party:<id>")).await, Some(user(id)));
            let load = || async { Err::<User, _>("loaded") };
            let loaded = world.cache.get_or_load(key!("party:<id>"), MINUTE, load).await;
            assert_eq!(loaded, Ok(user(id)));
            let load = || async { Err::<Option<User>, _>("loaded") };
            let loaded = world.cache.get_or_load(key!("party:<id>"), MINUTE, load).await;
            assert_eq!(loaded, Ok(Some(user(id))));
        };
        parties.find_user(1).await.unwrap();
        stored(1).await;
        parties.known_user(2).await.unwrap();
        stored(2).await;
        parties.user(3).await;
        stored(3).await;
        world.cache.put(&key!("party:4"), &user(4), MINUTE).await.unwrap();
        stored(4).await;
        assert_eq!(parties.loads.get(), 3);
    }

    async fn a_stored_absence_is_a_miss_for_a_function_that_cannot_say_none(world: World) {
        let parties = Parties::over(&world.cache);
        assert_eq!(parties.known_user(100).await, None);
        assert_eq!(parties.find_user(100).await, Ok(None));
        assert_eq!(world.cache.get::<User>(&key!("party:100")).await, None);
        assert_eq!(parties.user(100).await, user(100));
        assert_eq!(parties.known_user(100).await, Some(user(100)), "what was loaded then took its place");
        assert_eq!(parties.loads.get(), 2);
    }

    async fn two_value_types_under_one_key_are_misses_to_each_other(world: World) {
        let parties = Parties::over(&world.cache);
        for turn in 1..=5 {
            assert_eq!(parties.user(1).await, user(1));
            assert_eq!(parties.user(1).await, user(1));
            assert_eq!(world.cache.get::<Supplier>(&key!("party:1")).await, None);
            assert_eq!(parties.supplier(1).await, Ok(supplier(1)));
            assert_eq!(parties.supplier(1).await, Ok(supplier(1)));
            assert_eq!(world.cache.get::<User>(&key!("party:1")).await, None);
            assert_eq!(parties.loads.get(), 2 * turn);
        }
    }

    async fn two_value_types_at_once_get_values_of_their_own(world: World) {
        let parties = Parties::over(&world.cache);
        let elsewhere = Parties { cache: world.other_process(), ..parties.clone() };
        let mut callers = JoinSet::new();
        for call in 0..400 {
            let parties = if call % 4 < 2 { parties.clone() } else { elsewhere.clone() };
            callers.spawn(async move {
                let id = call / 40;
                if call % 2 == 0 {
                    assert_eq!(parties.user(id).await, user(id));
                } else {
                    assert_eq!(parties.supplier(id).await, Ok(supplier(id)));
                }
            });
        }
        callers.join_all().await;
    }

    async fn an_absence_of_one_type_is_none_of_another_to_those_who_wait(world: World) {
        let here = Parties::over(&world.cache);
        let elsewhere = Parties { cache: world.other_process(), ..here.clone() };
        let leader = here.clone();
        let leader = tokio::spawn(async move { leader.no_supplier(1).await });
        here.gate.entered(1).await;
        let waiting = elsewhere.clone();
        let waiting = tokio::spawn(async move { futures_util::future::join_all((0..5).map(|_| waiting.some_user(1))).await });
        if world.redis.is_some() {
            eventually("the other process does not wait", async || elsewhere.cache.stats().total().lock_waits > 0).await;
        }
        here.gate.open();
        assert_eq!(leader.await.unwrap(), None);
        assert_eq!(waiting.await.unwrap(), vec![Some(user(1)); 5]);
    }

    async fn values_whose_json_is_null_are_never_taken_for_absent_ones(world: World) {
        let parties = Parties::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(parties.maybe_unit(1).await, Ok(Some(())));
            assert_eq!(parties.of_any_type(1, || Some(())).await, Some(()));
            assert_eq!(parties.maybe_maybe(2).await, Some(None));
            assert_eq!(parties.of_any_type(2, || Some(None::<u8>)).await, Some(None));
            for id in [1, 2] {
                let key = key!("odd:<id>");
                let policy = MINUTE;
                if id == 1 {
                    let loaded = world.cache.get_or_load(key, policy, || async { Ok::<_, ()>(Some(())) }).await;
                    assert_eq!(loaded, Ok(Some(())));
                } else {
                    let loaded = world.cache.get_or_load(key, policy, || async { Ok::<_, ()>(Some(None::<u8>)) }).await;
                    assert_eq!(loaded, Ok(Some(None)));
                }
            }
        }
    }
}

struct Warned {
    cache: Cache,
}

impl Warned {
    #[cached(key = "warned:<id>", ttl = 60, cache = self.cache.clone())]
    async fn warned_user(&self, id: u32) -> User {
        user(id)
    }

    #[cached(key = "warned:<id>", ttl = 60, cache = self.cache.clone())]
    async fn warned_supplier(&self, id: u32) -> Supplier {
        supplier(id)
    }
}

#[tokio::test]
async fn each_function_warns_once_of_values_of_another_type() {
    logged::listen();
    let warned = Warned { cache: Cache::in_memory() };
    for id in 0..3 {
        for _ in 0..3 {
            warned.warned_user(id).await;
            warned.warned_supplier(id).await;
        }
    }
    let of = |text: &str| logged::warnings(&["warned:<id>", text]);
    assert_eq!((of("`User`"), of("`Supplier`")), (1, 1));
    assert_eq!((of("warned_user"), of("warned_supplier")), (1, 1));
}
