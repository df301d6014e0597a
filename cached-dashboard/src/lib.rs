//! One page that shows what a cache does, live: hit ratio and latency per function, loads saved, whether the store is in
//! use, what waits to be delivered, and which functions are annotated how.
//!
//! It is an [`axum::Router`] to be mounted wherever the application wants it. It binds nothing itself, writes nothing, and
//! asks nobody else: the page, its styles and its scripts come from here.
//!
//! ```
//! use axum::Router;
//! use cached_runtime::Cache;
//!
//! let cache = Cache::in_memory();
//! let app: Router = Router::new().nest("/cache", cached_dashboard::router(cache));
//! # drop(app);
//! ```
//!
//! An application with a state mounts it by `nest_service` in place of `nest`.
//!
//! The page says how functions are called and in which source files they are, never a key or a value. Still it is made for
//! those who run the application: mount it where only they get to.

#![forbid(unsafe_code)]

mod asset;
mod figures;
mod page;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cached_runtime::Cache;

use crate::asset::ASSETS;
use crate::figures::Figures;

/// The README's code is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The page for `cache`, and `stats.json` beside it, which has the same figures.
///
/// It answers to `GET` alone. See the [crate](self) for where to mount it.
pub fn router(cache: Cache) -> Router {
    let stats = move || {
        let cache = cache.clone();
        async move { answer("application/json", Figures::of(&cache).json()) }
    };
    let mut router = Router::new().route("/", get(page)).route("/stats.json", get(stats));
    for asset in ASSETS {
        router = router.route(asset.path, get(move || async { answer(asset.kind, asset.text) }));
    }
    // With a slash at its end the place where this is mounted is the same place.
    router.fallback(|uri: Uri, original: OriginalUri| async move {
        if matches!(uri.path(), "" | "/") { page(original).await } else { StatusCode::NOT_FOUND.into_response() }
    })
}

async fn page(OriginalUri(uri): OriginalUri) -> Response {
    answer("text/html; charset=utf-8", page::at(uri.path()))
}

/// Nothing but what comes from here, and nothing in the page that is a script or a style itself.
const POLICY: &str = "default-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'";

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

fn answer(kind: &'static str, text: impl IntoResponse) -> Response {
    (HEADERS, [(header::CONTENT_TYPE, kind)], text).into_response()
}
