//! What Prometheus reads, line by line.

use std::collections::{BTreeMap, BTreeSet};

use metrics_exporter_prometheus::PrometheusHandle;

/// One sample.
#[derive(Debug)]
struct Sample {
    metric: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// All that an exporter shows at one time.
#[derive(Debug)]
pub struct Scrape(Vec<Sample>);

impl Scrape {
    pub fn of(exporter: &PrometheusHandle) -> Self {
        exporter.run_upkeep();
        let text = exporter.render();
        Self(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(sample).collect())
    }

    /// All samples of this name that have these labels, added up.
    pub fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> f64 {
        let of_these = |sample: &&Sample| {
            sample.metric == metric
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|is| is == value))
        };
        self.0.iter().filter(of_these).map(|sample| sample.value).sum()
    }

    /// The names.
    pub fn metrics(&self) -> BTreeSet<&str> {
        self.0.iter().map(|sample| sample.metric.as_str()).collect()
    }
}

/// `name{label="value",...} value`
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (metric, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty()).map(|label| {
        let (name, value) = label.split_once("=\"").expect("a label");
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    Sample { metric: metric.to_owned(), labels: labels.collect(), value: value.parse().expect("a number") }
}
