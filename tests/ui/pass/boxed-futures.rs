//! `Pin<Box<dyn Future>>`, `BoxFuture`, `LocalBoxFuture`: borrowing the arguments or owning what they need.

#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, cached};
use futures_util::future::{BoxFuture, FutureExt, LocalBoxFuture};

#[derive(Clone, Default)]
struct Repository {
    loads: Arc<AtomicUsize>,
}

impl Repository {
    async fn load(&self, id: u32) -> Result<u32, String> {
        self.loads.fetch_add(1, Relaxed);
        if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
    }

    #[cached(key = "pinned:<id>", ttl = 60)]
    fn pinned(&self, id: u32) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send + '_>> {
        if id == 0 {
            return Box::pin(async { Err("zero".to_owned()) });
        }
        Box::pin(async move { Ok(self.load(id).await?) })
    }

    #[cached(key = "named:<name>", ttl = 60)]
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Option<String>> {
        async move {
            self.load(1).await.ok()?;
            Some(name.to_owned())
        }
        .boxed()
    }

    // The future outlives the borrowed arguments, so the body clones what it needs, and does so at the call.
    #[cached(key = "owning:<id>", ttl = 60)]
    fn owning(&self, id: &u32) -> BoxFuture<'static, Result<u32, String>> {
        let this = self.clone();
        let id = *id;
        if id == 0 {
            return Box::pin(async { Err("zero".to_owned()) });
        }
        Box::pin(async move { this.load(id).await })
    }

    #[cached(key = "unnamed:<id>", ttl = 60)]
    fn unnamed(&self, id: impl Into<u32> + cached_runtime::KeyPart) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        let this = self.clone();
        let id = id.into();
        Box::pin(async move { this.load(id).await.unwrap_or_default() })
    }

    #[cached(key = "local:<id>", ttl = 60)]
    fn local(&self, id: u32) -> LocalBoxFuture<'_, u32> {
        let shared = Rc::new(id);
        Box::pin(async move { self.load(*shared).await.unwrap_or_default() })
    }
}

fn spawnable<T: Send + 'static>(future: T) -> T {
    future
}

fn sendable<T: Send>(future: T) -> T {
    future
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    let repository = Repository::default();
    for _ in 0..2 {
        assert_eq!(sendable(repository.pinned(1)).await, Ok(1));
        assert_eq!(sendable(repository.named("a")).await.as_deref(), Some("a"));
        assert_eq!(tokio::spawn(spawnable(repository.owning(&2))).await.unwrap(), Ok(2));
        assert_eq!(tokio::spawn(spawnable(repository.unnamed(3_u32))).await.unwrap(), 3);
        assert_eq!(repository.local(4).await, 4);
    }
    assert_eq!(repository.loads.load(Relaxed), 5);
    assert!(repository.pinned(0).await.is_err());
    assert!(repository.owning(&0).await.is_err());
}
