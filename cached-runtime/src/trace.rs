//! One span per call, with the feature `tracing`. The body runs inside of it, so that what it traces is below.
//!
//! Spans are at `debug`. The rendered key may hold what nobody wants in a log, and is said at `trace` only.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::site::Site;

/// The span of one call; none where nobody looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallSpan {
    /// Shared, since it ends once. One pointer, for it is in the future of every annotated function.
    #[cfg(feature = "tracing")]
    span: Option<std::sync::Arc<tracing::Span>>,
}

#[cfg(feature = "tracing")]
mod on {
    use std::sync::Arc;

    use tracing::level_filters::LevelFilter;
    use tracing::{Span, debug_span, field, trace};

    use super::CallSpan;
    use crate::site::Site;

    /// Asked before a span is made: without a subscriber `tracing` would tell `log` of it.
    pub(super) fn looked_at() -> bool {
        LevelFilter::current() >= LevelFilter::DEBUG
    }

    macro_rules! call_span {
        ($site:expr, $($more:tt)*) => {
            debug_span!(
                target: "cached_runtime::call",
                "cache",
                cache.name = $site.name,
                cache.key_template = $site.template,
                $($more)*
            )
        };
    }

    impl From<Span> for CallSpan {
        fn from(span: Span) -> Self {
            Self { span: (!span.is_disabled()).then(|| Arc::new(span)) }
        }
    }

    impl CallSpan {
        pub(crate) fn of(site: &Site, key: &str) -> Self {
            if !looked_at() {
                return Self::default();
            }
            let span = call_span!(site, cache.result = field::Empty);
            trace!(target: "cached_runtime::call", parent: &span, { cache.key = key }, "the key");
            span.into()
        }

        pub(crate) fn of_batch(site: &Site, keys: usize) -> Self {
            if !looked_at() {
                return Self::default();
            }
            call_span!(site, cache.result = field::Empty, cache.keys = keys).into()
        }

        /// Of what a call leaves behind.
        pub(crate) fn of_refresh(&self, site: &Site) -> Self {
            if !looked_at() {
                return Self::default();
            }
            let span = debug_span!(
                target: "cached_runtime::call",
                parent: None,
                "cache.refresh",
                cache.name = site.name,
                cache.key_template = site.template
            );
            span.follows_from(self.span.as_ref().and_then(|call| call.id()));
            span.into()
        }

        pub(crate) fn answered(&self, result: &'static str) {
            if let Some(span) = &self.span {
                span.record("cache.result", result);
            }
        }

        pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
            match &self.span {
                Some(span) => span.in_scope(f),
                None => f(),
            }
        }
    }

    pub(super) fn local_hit(site: &Site, key: &[u8]) {
        let span = call_span!(site, cache.result = "hit_local");
        trace!(target: "cached_runtime::call", parent: &span, { cache.key = %String::from_utf8_lossy(key) }, "the key");
    }
}

#[cfg(not(feature = "tracing"))]
impl CallSpan {
    pub(crate) fn of(_site: &Site, _key: &str) -> Self {
        Self {}
    }

    pub(crate) fn of_batch(_site: &Site, _keys: usize) -> Self {
        Self {}
    }

    pub(crate) fn of_refresh(&self, _site: &Site) -> Self {
        Self {}
    }

    pub(crate) fn answered(&self, _result: &'static str) {}

    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}

/// A call that is over before there is anything to trace.
#[inline]
pub(crate) fn local_hit(site: &Site, key: &[u8]) {
    #[cfg(feature = "tracing")]
    if on::looked_at() {
        on::local_hit(site, key);
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (site, key);
}

pin_project! {
    /// A part of a call.
    pub(crate) struct Within<F> {
        span: CallSpan,
        #[pin]
        part: F,
    }
}

impl CallSpan {
    pub(crate) fn within<F: Future>(&self, part: F) -> Within<F> {
        Within { span: self.clone(), part }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.span.enter(|| this.part.poll(cx))
    }
}
