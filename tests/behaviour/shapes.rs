//! What is an error, what is an absence and what is a value: told by the type, not by its name.

use cached_runtime::{Cache, CacheValue, cached, key};
use serde::{Deserialize, Serialize};

use crate::promises;
use crate::support::Count;

type Res<T> = Result<T, String>;
type Perhaps<T> = Option<T>;
type Found<T> = Res<Perhaps<T>>;

/// A value, whatever it is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SearchResult {
    total: u64,
}

/// Also a value: its name is no more `Option` than this is the standard library.
mod pretended {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub enum Option<T> {
        None,
        Some(T),
    }

    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub enum Result<T, E> {
        Ok(T),
        Err(E),
    }
}

struct Search {
    cache: Cache,
    loads: Count,
}

impl Search {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default() }
    }

    #[cached(key = "struct:<id>", ttl = 60, cache = self.cache.clone())]
    async fn a_struct(&self, id: u32) -> SearchResult {
        SearchResult { total: self.loads.add() }
    }

    #[cached(key = "alias:<ok>", ttl = 60, cache = self.cache.clone())]
    async fn an_alias(&self, ok: bool) -> Res<u64> {
        let load = self.loads.add();
        if ok { Ok(load) } else { Err(load.to_string()) }
    }

    #[cached(key = "both:<there>", ttl = 60, cache = self.cache.clone())]
    async fn aliases_of_both(&self, there: bool) -> Found<u64> {
        let load = self.loads.add();
        Ok(there.then_some(load))
    }

    #[cached(key = "pretended:<id>", ttl = 60, cache = self.cache.clone())]
    async fn a_pretended_option(&self, id: u32) -> pretended::Option<u64> {
        self.loads.add();
        pretended::Option::None
    }

    #[cached(key = "pretended-result:<id>", ttl = 60, cache = self.cache.clone())]
    async fn a_pretended_result(&self, id: u32) -> pretended::Result<u64, u64> {
        pretended::Result::Err(self.loads.add())
    }

    #[cached(key = "unit:<id>", ttl = 60, cache = self.cache.clone())]
    async fn nothing_but_success(&self, id: u32) -> Res<()> {
        self.loads.add();
        Ok(())
    }

    #[cached(key = "any:<id>", ttl = 60, skip(body), cache = self.cache.clone())]
    async fn of_any_type<T: CacheValue>(&self, id: u32, body: impl Fn(u64) -> T) -> T {
        body(self.loads.add())
    }

    #[cached(key = "any-none:<id>", ttl = 60, none_ttl = 60, skip(body), cache = self.cache.clone())]
    async fn of_any_type_or_none<T: CacheValue>(&self, id: u32, body: impl Fn(u64) -> T) -> T {
        body(self.loads.add())
    }

    #[cached(key = "fallible:<id>", ttl = 60, skip(body), cache = self.cache.clone())]
    async fn fallible<T: CacheValue, E>(&self, id: u32, body: impl Fn(u64) -> Result<T, E>) -> Result<T, E> {
        body(self.loads.add())
    }

    #[cached(key = "as-value:<id>", ttl = 60, returns = value, cache = self.cache.clone())]
    async fn a_result_as_a_value(&self, id: u32) -> Res<u64> {
        Err(self.loads.add().to_string())
    }

    #[cached(key = "option-as-value:<id>", ttl = 60, returns = value, cache = self.cache.clone())]
    async fn an_option_as_a_value(&self, id: u32) -> Perhaps<u64> {
        self.loads.add();
        None
    }

    #[cached(key = "as-result:<ok>", ttl = 60, returns = result, cache = self.cache.clone())]
    async fn a_result_by_decree(&self, ok: bool) -> Res<u64> {
        let load = self.loads.add();
        if ok { Ok(load) } else { Err(load.to_string()) }
    }

    #[cached(key = "blocking:<ok>", ttl = 60, cache = self.cache.clone())]
    fn blocking(&self, ok: bool) -> Res<Perhaps<u64>> {
        let load = self.loads.add();
        if ok { Ok(Some(load)) } else { Err(load.to_string()) }
    }
}

promises! {
    async fn a_struct_named_result_is_a_value(world: World) {
        let search = Search::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(search.a_struct(1).await, SearchResult { total: 1 });
        }
        assert_eq!(world.cache.get::<SearchResult>(&key!("struct:1")).await, Some(SearchResult { total: 1 }));
    }

    async fn enums_that_merely_look_like_option_and_result_are_values(world: World) {
        let search = Search::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(search.a_pretended_option(1).await, pretended::Option::None);
            assert_eq!(search.a_pretended_result(1).await, pretended::Result::Err(2));
        }
        assert_eq!(search.loads.get(), 2);
        for _ in 0..3 {
            let value = search.of_any_type(1, |_| pretended::Option::<u8>::None).await;
            assert_eq!(value, pretended::Option::None);
            let value = search.of_any_type(2, pretended::Result::<u8, u64>::Err).await;
            assert_eq!(value, pretended::Result::Err(4));
        }
        assert_eq!(search.loads.get(), 4);
    }

    async fn a_result_alias_is_a_result(world: World) {
        let search = Search::over(&world.cache);
        assert_eq!(search.an_alias(false).await, Err("1".to_owned()));
        assert_eq!(search.an_alias(false).await, Err("2".to_owned()), "an error was cached");
        for _ in 0..3 {
            assert_eq!(search.an_alias(true).await, Ok(3));
        }
        assert_eq!(world.cache.get::<u64>(&key!("alias:true")).await, Some(3), "the `Ok` is what is stored");
    }

    async fn aliases_of_an_option_in_a_result_are_both(world: World) {
        let search = Search::over(&world.cache);
        assert_eq!(search.aliases_of_both(false).await, Ok(None));
        assert_eq!(search.aliases_of_both(false).await, Ok(None));
        assert_eq!(search.loads.get(), 2, "a `None` was cached");
        for _ in 0..3 {
            assert_eq!(search.aliases_of_both(true).await, Ok(Some(3)));
        }
        assert_eq!(world.cache.get::<u64>(&key!("both:true")).await, Some(3));
    }

    async fn a_unit_is_a_value(world: World) {
        let search = Search::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(search.nothing_but_success(1).await, Ok(()));
        }
        assert_eq!(search.loads.get(), 1);
    }

    async fn a_type_parameter_that_is_an_option_behaves_as_one(world: World) {
        let search = Search::over(&world.cache);
        for load in 1..=3 {
            assert_eq!(search.of_any_type(1, |_| None::<u64>).await, None);
            assert_eq!(search.loads.get(), load, "a `None` was cached");
        }
        for _ in 0..3 {
            assert_eq!(search.of_any_type(1, Some).await, Some(4));
            assert_eq!(search.of_any_type(1, |load| load).await, 4, "`Option<u64>` and `u64` share the entry");
        }
        for _ in 0..3 {
            assert_eq!(search.of_any_type_or_none(2, |_| None::<u64>).await, None);
        }
        assert_eq!(search.loads.get(), 5, "`none_ttl` was not heeded");
    }

    async fn a_type_parameter_that_is_a_result_behaves_as_one(world: World) {
        let search = Search::over(&world.cache);
        assert_eq!(search.of_any_type(1, Err::<u64, u64>).await, Err(1));
        assert_eq!(search.of_any_type(1, Err::<u64, u64>).await, Err(2), "an error was cached");
        for _ in 0..3 {
            assert_eq!(search.of_any_type(1, Ok::<u64, u64>).await, Ok(3));
        }
    }

    async fn a_generic_result_caches_its_ok_whatever_its_error(world: World) {
        /// Neither `Clone` nor `Serialize` nor anything else.
        #[derive(Debug, PartialEq)]
        struct Opaque(u64);

        let search = Search::over(&world.cache);
        assert_eq!(search.fallible(1, |load| Err::<u64, _>(Opaque(load))).await, Err(Opaque(1)));
        assert_eq!(search.fallible(1, |load| Err::<u64, _>(Opaque(load))).await, Err(Opaque(2)));
        for _ in 0..3 {
            assert_eq!(search.fallible(1, Ok::<u64, Opaque>).await, Ok(3));
        }
        for load in 4..=6 {
            assert_eq!(search.fallible(2, |_| Ok::<_, Opaque>(None::<u64>)).await, Ok(None));
            assert_eq!(search.loads.get(), load, "a `None` was cached");
        }
        for _ in 0..3 {
            assert_eq!(search.fallible(2, |load| Ok::<_, Opaque>(Some(load))).await, Ok(Some(7)));
        }
    }

    async fn returns_value_caches_everything_an_err_and_a_none_too(world: World) {
        let search = Search::over(&world.cache);
        for _ in 0..3 {
            assert_eq!(search.a_result_as_a_value(1).await, Err("1".to_owned()));
            assert_eq!(search.an_option_as_a_value(1).await, None);
        }
        assert_eq!(search.loads.get(), 2);
    }

    async fn returns_result_caches_the_ok(world: World) {
        let search = Search::over(&world.cache);
        assert_eq!(search.a_result_by_decree(false).await, Err("1".to_owned()));
        assert_eq!(search.a_result_by_decree(false).await, Err("2".to_owned()));
        for _ in 0..3 {
            assert_eq!(search.a_result_by_decree(true).await, Ok(3));
        }
    }

    async fn a_blocking_function_has_the_same_shapes(world: World) {
        let search = Search::over(&world.cache);
        let search = tokio::task::spawn_blocking(move || {
            assert_eq!(search.blocking(false), Err("1".to_owned()));
            assert_eq!(search.blocking(false), Err("2".to_owned()));
            for _ in 0..3 {
                assert_eq!(search.blocking(true), Ok(Some(3)));
            }
            search
        }).await.unwrap();
        assert_eq!(world.cache.get::<u64>(&key!("blocking:true")).await, Some(3));
        assert_eq!(search.loads.get(), 3);
    }
}
