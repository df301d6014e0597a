//! An application with the dashboard in it, and calls for it to show.
#![allow(dead_code, reason = "every test binary uses its own part")]

pub mod http;

use axum::Router;
use cached_runtime::{Cache, cached, invalidate, write_behind};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves this on a port of 127.0.0.1, until it is dropped.
pub struct Service {
    pub port: u16,
    serving: JoinHandle<()>,
}

impl Service {
    pub async fn of(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { port, serving }
    }

    /// With the dashboard at `/cache`.
    pub async fn showing(cache: &Cache) -> Self {
        Self::of(Router::new().nest("/cache", cached_dashboard::router(cache.clone()))).await
    }

    pub fn page(&self) -> String {
        format!("http://127.0.0.1:{}/cache", self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[cached(key = "user:<id>", ttl = "1h30m", mutex, stale = "10m")]
pub async fn find_user(id: u64) -> Result<Option<u64>, String> {
    match id % 100 {
        99 => Err("no".to_owned()),
        _ => Ok(Some(id)),
    }
}

/// What a template may contain, it may contain.
#[cached(key = "<<img src=x onerror=document.body.remove()>>&amp;:<id>", ttl = 60)]
pub async fn hostile(id: u64) -> u64 {
    id
}

/// Without a worker: what is queued stays there.
#[write_behind(key = "visit:<visit>", each = visit in visits, ttl = 60, queue = "visits")]
pub async fn count_visits(visits: Vec<u64>) -> Result<(), String> {
    Err(format!("{} visits and no worker", visits.len()))
}

#[invalidate(key = "user:<id>")]
pub async fn rename_user(id: u64) -> Result<(), String> {
    match id {
        0 => Err("there is none".to_owned()),
        _ => Ok(()),
    }
}

/// More than a thousand calls: hits, misses, failures and invalidations.
pub async fn busy(cache: &Cache) {
    let calls = async {
        for id in 0..250 {
            for _ in 0..5 {
                drop(find_user(id).await);
            }
        }
        for id in 1..=7 {
            rename_user(id).await.expect("it is there");
        }
        hostile(1).await;
        hostile(1).await;
    };
    cache.scope(calls).await;
}
