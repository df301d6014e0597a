//! What is served, and how.

mod support;

use axum::Router;
use axum::routing::get;
use cached_runtime::Cache;
use serde_json::Value;

use crate::support::http::ask;
use crate::support::{Service, busy};

const PARTS: [(&str, &str); 10] = [
    ("", "text/html"),
    ("/stats.json", "application/json"),
    ("/dashboard.js", "text/javascript"),
    ("/history.js", "text/javascript"),
    ("/charts.js", "text/javascript"),
    ("/tables.js", "text/javascript"),
    ("/words.js", "text/javascript"),
    ("/uplot.js", "text/javascript"),
    ("/dashboard.css", "text/css"),
    ("/icon.svg", "image/svg+xml"),
];

#[tokio::test]
async fn every_part_says_what_it_is_and_that_nothing_comes_from_elsewhere() {
    let service = Service::showing(&Cache::in_memory()).await;
    for (part, kind) in PARTS {
        let answer = ask(service.port, "GET", &format!("/cache{part}"), "").await;
        let header = |name: &str| answer.headers.get(name).cloned().unwrap_or_default();
        assert_eq!(answer.status, 200, "{part}");
        assert!(header("content-type").starts_with(kind), "{part}: {}", header("content-type"));
        assert!(header("content-security-policy").starts_with("default-src 'self'"), "{part}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{part}");
        assert_eq!(header("cache-control"), "no-store", "{part}");
        let ours = !part.contains("uplot") && !part.contains("icon");
        assert!(!ours || !answer.body.contains("://"), "{part} names another place");
    }
}

#[tokio::test]
async fn it_is_read_and_nothing_else() {
    let service = Service::showing(&Cache::in_memory()).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for (part, _) in PARTS {
            assert_eq!(ask(service.port, method, &format!("/cache{part}"), "").await.status, 405, "{method} {part}");
        }
    }
    assert_eq!(ask(service.port, "GET", "/cache/nothing", "").await.status, 404);
}

#[tokio::test]
async fn wherever_it_is_mounted_its_parts_are_found() {
    let dashboard = || cached_dashboard::router(Cache::in_memory());
    let with_a_state: Router = Router::new()
        .route("/", get(async |axum::extract::State(()): axum::extract::State<()>| "the application's own"))
        .nest_service("/admin/the:cache", dashboard())
        .with_state(());
    for (app, page, expected) in [
        (Router::new().nest("/cache", dashboard()), "/cache", "./cache/"),
        (with_a_state.clone(), "/admin/the:cache", "./the:cache/"),
        (with_a_state, "/admin/the:cache/", "./"),
        (dashboard(), "/", "./"),
    ] {
        let service = Service::of(app).await;
        let answer = ask(service.port, "GET", page, "").await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.body.contains(&format!("<base href=\"{expected}\">")), "{page}: {}", answer.body);
        // As a browser resolves it.
        let base = page.rsplit_once('/').expect("a path").0;
        let part = format!("{base}/{}stats.json", &expected[2..]);
        assert_eq!(ask(service.port, "GET", &part, "").await.status, 200, "{part}");
    }
}

#[tokio::test]
async fn the_figures_are_those_of_the_cache() {
    let cache = Cache::in_memory();
    let service = Service::showing(&cache).await;
    busy(&cache).await;
    let figures: Value = serde_json::from_str(&ask(service.port, "GET", "/cache/stats.json", "").await.body).unwrap();
    let stats = cache.stats();
    let shown = figures["functions"].as_array().unwrap();
    assert_eq!(shown.len(), stats.functions.len());
    for (shown, stats) in shown.iter().zip(&stats.functions) {
        assert_eq!((shown["name"].as_str(), shown["line"].as_u64()), (Some(stats.name), Some(u64::from(stats.line))));
        assert_eq!(shown["template"], stats.template);
        assert_eq!(shown["calls"], stats.requests.total());
        assert_eq!(shown["hits"], stats.hits);
        assert_eq!(shown["loads"], stats.loads);
        assert_eq!(shown["saved"], stats.hits + stats.coalesced);
        assert_eq!(shown["hit_ratio"].as_f64(), stats.hit_ratio());
        for (result, calls) in stats.requests.by_result() {
            assert_eq!(shown["requests"][result], calls, "{result}");
        }
        let p95 = stats.load_latency.p95().map(|p95| u64::try_from(p95.as_micros()).unwrap());
        assert_eq!(shown["load"]["p95"].as_u64(), p95);
        assert_eq!(shown["counters"]["failures"], stats.failures);
        assert_eq!(shown["counters"]["invalidations"], stats.invalidations);
    }
    assert_eq!(figures["total"]["calls"], stats.total().requests.total());
    assert_eq!(figures["health"]["state"], "up");
    let listed = figures["inventory"].as_array().unwrap();
    let user = listed.iter().find(|listed| listed["name"].as_str().unwrap().ends_with("find_user")).unwrap();
    assert_eq!((user["ttl"].as_str(), &user["options"][1]), (Some("1h30m"), &Value::from("stale = \"10m\"")));
    assert!(user["file"].as_str().unwrap().ends_with("mod.rs") && user["reads"] == true, "{user}");
}

#[tokio::test]
async fn a_cache_that_is_disabled_is_down() {
    let service = Service::showing(&Cache::disabled()).await;
    let figures: Value = serde_json::from_str(&ask(service.port, "GET", "/cache/stats.json", "").await.body).unwrap();
    assert_eq!(figures["health"]["state"], "down");
}
