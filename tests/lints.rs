//! The expansion is silent under lints that are off by default, too, clippy's among them: `cargo clippy --all-targets`
//! reads this crate. What a lint says about generated code would be said in every user's crate.

#![deny(
    warnings,
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    future_incompatible,
    keyword_idents,
    let_underscore,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![forbid(unreachable_code, clippy::unwrap_used)]

use std::future::{Future, ready};
use std::pin::Pin;

use cached_runtime::{Cache, KeyPart, cached, key};

#[derive(Clone, Copy, Debug, KeyPart)]
struct Id(u32);

struct Repository {
    offset: u32,
}

impl Repository {
    #[cached(key = "async:<id>", ttl = 3600, mutex, none_ttl = "1s", when = id.0 > 0, unless = |found| found.is_none())]
    async fn asynchronous(&self, mut id: Id) -> Result<Option<u32>, String> {
        id.0 += ready(self.offset).await;
        Ok(Some(id.0))
    }

    #[cached(key = "blocking:<id>", ttl = |_| 60)]
    fn blocking(&self, id: Id) -> Option<u32> {
        Some(id.0 + self.offset)
    }

    #[cached(key = "pinned:<id>", ttl = never)]
    fn pinned<'a>(&'a self, id: &'a Id) -> Pin<Box<dyn Future<Output = u32> + Send + 'a>> {
        Box::pin(async move { ready(id.0 + self.offset).await })
    }

    #[cached(key = "owned:<id>", ttl = 60)]
    fn owned(&self, id: Id) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        let offset = self.offset;
        Box::pin(async move { ready(id.0 + offset).await })
    }

    #[cached(key = "future:<id>", ttl = 60)]
    fn future(&self, id: Id) -> impl Future<Output = u32> {
        async move { ready(id.0 + self.offset).await }
    }
}

#[cached(key = "all", ttl = 60)]
async fn all() -> Vec<u32> {
    ready(vec![1]).await
}

#[tokio::test]
async fn the_expansion_has_no_lints() {
    Cache::in_memory().install();
    let repository = Repository { offset: 1 };
    let id = Id(1);
    assert_eq!(repository.asynchronous(id).await, Ok(Some(2)));
    assert_eq!(repository.blocking(id), Some(2));
    assert_eq!(repository.pinned(&id).await, 2);
    assert_eq!(repository.owned(id).await, 2);
    assert_eq!(repository.future(id).await, 2);
    assert_eq!(all().await, [1]);
    assert_eq!(key!("async:<id>").as_str(), "async:1");
}
