//! Calls of annotated functions as OpenTelemetry spans. Prints what an exporter gets; yours goes in place of the one here.
//!
//! `cargo run --manifest-path examples/opentelemetry/Cargo.toml`

mod traced;

use cached_runtime::{Cache, cached};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt;

use crate::traced::Traced;

/// What a database driver does: it traces its query.
#[tracing::instrument(fields(otel.kind = "client", db.system.name = "sqlite"))]
async fn query(id: u64) -> Result<String, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(format!("user {id}"))
}

#[cached(key = "user:<id>", ttl = 60, mutex)]
async fn find_user(id: u64) -> Result<String, std::io::Error> {
    query(id).await
}

#[tracing::instrument]
async fn request(id: u64) -> Result<String, std::io::Error> {
    find_user(id).await
}

/// Two requests for one user: the first one loads.
async fn two_requests() -> Result<Vec<Traced>, Box<dyn std::error::Error>> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    // A filter has to let `cached_runtime=debug` through.
    let subscriber = tracing_subscriber::registry().with(layer);
    let _subscribed = tracing::subscriber::set_default(subscriber);
    Cache::in_memory().install();
    request(42).await?;
    request(42).await?;
    provider.force_flush()?;
    Ok(traced::from(exporter.get_finished_spans()?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for span in two_requests().await? {
        println!("{span}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_exporter_gets_each_call_with_its_result_below_its_request_and_above_its_query() {
        let spans = two_requests().await.expect("spans");
        let told: Vec<_> = spans.iter().map(|span| (span.path.as_str(), span.attribute("cache.result"))).collect();
        assert_eq!(
            told,
            [
                ("request/cache/query", None),
                ("request/cache", Some("miss")),
                ("request", None),
                ("request/cache", Some("hit")),
                ("request", None),
            ]
        );
        for call in spans.iter().filter(|span| span.path.ends_with("cache")) {
            assert_eq!(call.attribute("cache.name"), Some("cached_opentelemetry::find_user"));
            assert_eq!(call.attribute("cache.key_template"), Some("user:<id>"));
            assert!(!format!("{call:?}").contains("user:42"), "a key: {call:?}");
        }
    }
}
