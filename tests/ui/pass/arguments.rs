//! Destructured, `mut`, raw-named, `#[cfg]`d and ignored arguments; every kind of place.

#![deny(warnings)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, KeyPart, cached};
use serde::Serialize;

static LOADS: AtomicUsize = AtomicUsize::new(0);

struct Page {
    number: u32,
    size: u32,
}

impl Page {
    fn number(&self) -> u32 {
        self.number
    }
}

#[derive(Serialize)]
struct Filter {
    price: f64,
}

#[derive(Clone, Copy, KeyPart)]
struct UserId(i64);

#[derive(KeyPart)]
struct Slug<T> {
    text: T,
}

#[cached(key = "page:<number>:<size>:<a>,<b>", ttl = 60)]
async fn patterns(Page { number, size }: Page, (a, b): (u8, u8), _: &str) -> u32 {
    LOADS.fetch_add(1, Relaxed);
    number + size + u32::from(a + b)
}

#[cached(
    key = "places:<page.number()>:<page.size>:<pair.0.0>:<pair.1>:<filter|hash>:<slug>:<id>",
    ttl = 60
)]
async fn places(page: &Page, mut pair: (UserId, String), filter: &Filter, slug: Slug<&str>, id: UserId) -> String {
    LOADS.fetch_add(1, Relaxed);
    pair.1.push_str(slug.text);
    format!("{} {} {} {}", pair.1, page.number, filter.price, id.0)
}

#[cached(key = "raw:<type>:<r#match>", ttl = 60)]
async fn raw(r#type: u8, r#match: &str) -> String {
    LOADS.fetch_add(1, Relaxed);
    format!("{}{}", r#type, r#match)
}

#[cached(key = "here:<id>:<extra>", ttl = 60)]
async fn conditional(id: u8, #[cfg(any())] extra: Nowhere, #[cfg(not(any()))] extra: &str) -> String {
    LOADS.fetch_add(1, Relaxed);
    format!("{id}{extra}")
}

#[cached(key = "gone:<id>:<gone>:end", ttl = 60)]
async fn gone(id: u8, #[cfg(any())] gone: Nowhere) -> u8 {
    LOADS.fetch_add(1, Relaxed);
    id
}

#[cached(key = "all", ttl = 60)]
async fn none() -> u8 {
    LOADS.fetch_add(1, Relaxed);
    1
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    for _ in 0..2 {
        assert_eq!(patterns(Page { number: 1, size: 2 }, (3, 4), "").await, 10);
        let page = Page { number: 1, size: 2 };
        let slug = || Slug { text: "!" };
        let text = places(
            &page,
            (UserId(1), "a".into()),
            &Filter { price: 0.5 },
            slug(),
            UserId(9),
        )
        .await;
        assert_eq!(text, "a! 1 0.5 9");
        assert_eq!(raw(1, "x").await, "1x");
        assert_eq!(conditional(1, "y").await, "1y");
        assert_eq!(gone(1).await, 1);
        assert_eq!(none().await, 1);
    }
    assert_eq!(LOADS.load(Relaxed), 6);
    assert_eq!(raw(1, "z").await, "1z");
    assert_eq!(LOADS.load(Relaxed), 7);
}
