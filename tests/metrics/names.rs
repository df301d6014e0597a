//! Names that people rely on: in the documentation, and on the dashboard.

use std::collections::BTreeSet;

use serde_json::Value;

/// Those that the document's table has, in its first column.
pub fn documented() -> BTreeSet<String> {
    let document = include_str!("../../docs/metrics.md");
    let first = |row: &str| Some(row.strip_prefix("| `cache_")?.split_once('`')?.0.to_owned());
    document.lines().filter_map(first).map(|name| format!("cache_{name}")).collect()
}

/// Those that the dashboard asks Prometheus for. A histogram is asked for its parts.
pub fn shown() -> BTreeSet<String> {
    let dashboard: Value = serde_json::from_str(include_str!("../../dashboards/grafana.json")).expect("JSON");
    let mut queries = Vec::new();
    find_queries(&dashboard, &mut queries);
    assert!(queries.len() > 20, "{queries:?}");
    let words = queries.iter().flat_map(|query| query.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with("cache_")).map(str::to_owned).collect()
}

fn find_queries(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(query) if ["expr", "query", "definition"].contains(&name.as_str()) => {
                        queries.push(query.clone());
                    }
                    _ => find_queries(value, queries),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| find_queries(value, queries)),
        _ => {}
    }
}

/// Without what an exporter appends to a histogram's.
pub fn plain(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}
