//! `-> impl Future<Output = T>`, with and without bounds, from functions and methods.

#![deny(warnings)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, cached};

#[derive(Clone, Default)]
struct Repository {
    loads: Arc<AtomicUsize>,
}

impl Repository {
    async fn load(&self, id: u32) -> Result<u32, String> {
        self.loads.fetch_add(1, Relaxed);
        Ok(id)
    }

    #[cached(key = "captures:<id>", ttl = 60)]
    fn captures(&self, id: u32) -> impl Future<Output = Result<u32, String>> {
        async move { Ok(self.load(id).await?) }
    }

    #[cached(key = "bounded:<id>", ttl = 60)]
    fn bounded<'a>(&'a self, id: &'a u32) -> impl Future<Output = u32> + Send + 'a {
        async move { self.load(*id).await.unwrap_or_default() }
    }

    #[cached(key = "owning:<id>", ttl = 60)]
    fn owning(&self, id: u32) -> impl Future<Output = u32> + Send + use<> {
        let this = self.clone();
        async move { this.load(id).await.unwrap_or_default() }
    }
}

trait Numbers {
    fn number(&self, id: u32) -> impl Future<Output = u32> + Send;
}

impl Numbers for Repository {
    #[cached(key = "implemented:<id>", ttl = 60)]
    fn number(&self, id: u32) -> impl Future<Output = u32> + Send {
        async move { self.load(id).await.unwrap_or_default() }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    let repository = Repository::default();
    for _ in 0..2 {
        assert_eq!(repository.captures(1).await, Ok(1));
        assert_eq!(repository.bounded(&2).await, 2);
        assert_eq!(tokio::spawn(repository.owning(3)).await.unwrap(), 3);
        assert_eq!(repository.number(4).await, 4);
    }
    assert_eq!(repository.loads.load(Relaxed), 4);
}
