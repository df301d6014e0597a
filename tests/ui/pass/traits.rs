//! Native `async fn` in traits and their impls, trait default methods, and `#[async_trait]` in both places.

#![deny(warnings)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use async_trait::async_trait;
use cached_runtime::{Cache, cached};

type CustomResult<T, E> = Result<T, E>;

trait Users {
    fn loads(&self) -> &AtomicUsize;

    async fn by_id(&self, id: &str) -> Result<Option<String>, String>;

    #[cached(key = "default:<id>", ttl = 60)]
    async fn by_default(&self, id: u32) -> u32 {
        self.loads().fetch_add(1, Relaxed);
        id
    }
}

#[async_trait]
trait Configs: Sync {
    fn count(&self) -> &AtomicUsize;

    async fn find(&self, key: &str) -> CustomResult<String, String>;

    async fn many<S: AsRef<str> + Send>(&self, names: Vec<u32>, extra: S) -> Vec<u32>;

    async fn ignores(&self, id: u32, _: String) -> u32;

    #[cached(key = "config-default:<id>", ttl = 60)]
    async fn with_default(&self, id: u32) -> Result<u32, String> {
        self.count().fetch_add(1, Relaxed);
        if id == 0 {
            return Err("zero".to_owned());
        }
        Ok("12".parse::<u32>().map_err(|error| error.to_string())? + id)
    }
}

#[derive(Default)]
struct Store {
    loads: AtomicUsize,
}

impl Users for Store {
    fn loads(&self) -> &AtomicUsize {
        &self.loads
    }

    #[cached(key = "user:<id>", ttl = 60, mutex)]
    async fn by_id(&self, id: &str) -> Result<Option<String>, String> {
        self.loads.fetch_add(1, Relaxed);
        Ok(Some(id.to_owned()))
    }
}

#[async_trait]
impl Configs for Store {
    fn count(&self) -> &AtomicUsize {
        &self.loads
    }

    // An argument that is called `key`, too.
    #[cached(key = "config:<key>", ttl = 60)]
    async fn find(&self, key: &str) -> CustomResult<String, String> {
        self.loads.fetch_add(1, Relaxed);
        Ok(key.to_owned())
    }

    #[cached(key = "many:<names>", ttl = 60, skip(extra))]
    async fn many<S: AsRef<str> + Send>(&self, names: Vec<u32>, extra: S) -> Vec<u32> {
        self.loads.fetch_add(extra.as_ref().len(), Relaxed);
        names
    }

    // `_` cannot be used, so it need not be in the key.
    #[cached(key = "ignores:<id>", ttl = 60)]
    async fn ignores(&self, mut id: u32, _: String) -> u32 {
        self.loads.fetch_add(1, Relaxed);
        id += 1;
        id
    }
}

fn spawnable<T: Send>(future: T) -> T {
    future
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    let store = Arc::new(Store::default());
    for _ in 0..2 {
        assert_eq!(store.by_id("a").await.unwrap().as_deref(), Some("a"));
        assert_eq!(store.by_default(1).await, 1);
        assert_eq!(spawnable(store.find("k")).await.unwrap(), "k");
        assert_eq!(store.many(vec![1, 2], "x").await, [1, 2]);
        assert_eq!(store.ignores(1, String::new()).await, 2);
        assert_eq!(spawnable(store.with_default(1)).await, Ok(13));
    }
    assert_eq!(store.loads.load(Relaxed), 6);
}
