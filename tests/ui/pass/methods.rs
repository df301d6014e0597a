//! `&self`, `&mut self`, `self`, `self: Arc<Self>`, associated functions; `self` in keys and in `cache = …`.

#![deny(warnings)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, cached};

#[derive(Clone)]
struct Repository {
    cache: Cache,
    tenant: String,
    loads: Arc<AtomicUsize>,
}

impl Repository {
    fn load(&self, id: u32) -> String {
        self.loads.fetch_add(1, Relaxed);
        format!("{}/{id}", self.tenant)
    }

    #[cached(key = "ref:<self.tenant>:<id>", ttl = 60, cache = self.cache.clone())]
    async fn by_ref(&self, id: u32) -> Result<String, String> {
        Ok(self.load(id))
    }

    #[cached(key = "mut:<self.tenant>:<id>", ttl = 60, cache = &self.cache)]
    async fn by_mut(&mut self, id: u32) -> String {
        self.load(id)
    }

    #[cached(key = "value:<self.tenant>:<id>", ttl = 60, cache = &self.cache)]
    async fn by_value(self, id: u32) -> String {
        self.load(id)
    }

    #[cached(key = "arc:<self.tenant.as_str()>:<id>", ttl = 60, cache = &self.cache)]
    async fn by_arc(self: Arc<Self>, id: u32) -> String {
        self.load(id)
    }

    #[cached(key = "blocking:<self.tenant>:<id>", ttl = 60, cache = &self.cache)]
    fn blocking(&self, id: u32) -> String {
        self.load(id)
    }

    #[cached(key = "associated:<id>", ttl = 60, cache = cache, skip(cache, loads))]
    async fn associated(cache: &Cache, loads: &AtomicUsize, id: u32) -> String {
        loads.fetch_add(1, Relaxed);
        format!("associated {id}")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let repository = Repository {
        cache: Cache::in_memory(),
        tenant: "acme".into(),
        loads: Arc::default(),
    };
    let loads = || repository.loads.swap(0, Relaxed);
    for _ in 0..2 {
        assert_eq!(repository.by_ref(1).await.unwrap(), "acme/1");
    }
    assert_eq!(loads(), 1);
    for _ in 0..2 {
        assert_eq!(repository.clone().by_mut(1).await, "acme/1");
    }
    assert_eq!(loads(), 1);
    for _ in 0..2 {
        assert_eq!(repository.clone().by_value(1).await, "acme/1");
    }
    assert_eq!(loads(), 1);
    for _ in 0..2 {
        assert_eq!(Arc::new(repository.clone()).by_arc(1).await, "acme/1");
    }
    assert_eq!(loads(), 1);
    for _ in 0..2 {
        assert_eq!(repository.blocking(1), "acme/1");
    }
    assert_eq!(loads(), 1);
    for _ in 0..2 {
        assert_eq!(
            Repository::associated(&repository.cache, &repository.loads, 1).await,
            "associated 1"
        );
    }
    assert_eq!(loads(), 1);

    // Another tenant has other keys.
    let other = Repository {
        tenant: "other".into(),
        ..repository.clone()
    };
    assert_eq!(other.by_ref(1).await.unwrap(), "other/1");
    assert_eq!(loads(), 1);
}
