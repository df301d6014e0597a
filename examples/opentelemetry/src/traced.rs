//! Spans as they were exported, for people.

use std::fmt;

use opentelemetry_sdk::trace::SpanData;

#[derive(Debug)]
pub struct Traced {
    /// The names of the spans around it, and its own.
    pub path: String,
    attributes: Vec<(String, String)>,
    micros: u128,
}

impl Traced {
    #[cfg(test)]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// In the order in which they ended.
pub fn from(spans: Vec<SpanData>) -> Vec<Traced> {
    let path = |span: &SpanData| {
        let mut names = vec![span.name.to_string()];
        let mut parent = span.parent_span_id;
        while let Some(around) = spans.iter().find(|other| other.span_context.span_id() == parent) {
            names.insert(0, around.name.to_string());
            parent = around.parent_span_id;
        }
        names.join("/")
    };
    let traced = |span: &SpanData| Traced {
        path: path(span),
        attributes: span.attributes.iter().map(|it| (it.key.to_string(), it.value.to_string())).collect(),
        micros: span.end_time.duration_since(span.start_time).unwrap_or_default().as_micros(),
    };
    spans.iter().map(traced).collect()
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<20} {:>5} µs", self.path, self.micros)?;
        let ours = self.attributes.iter().filter(|(key, _)| key.starts_with("cache."));
        ours.into_iter().try_for_each(|(key, value)| write!(f, "  {key}={value}"))
    }
}
