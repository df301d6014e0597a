//! The words of the option list, and the words that people try instead.

use crate::errors::{did_you_mean, list};

pub(crate) const OPTIONS: [&str; 13] = [
    "key",
    "ttl",
    "mutex",
    "skip",
    "none_ttl",
    "version",
    "when",
    "unless",
    "jitter",
    "load_timeout",
    "cache",
    "returns",
    "crate",
];

/// Planned, and no option yet.
const LATER: [&str; 9] =
    ["error_ttl", "stale", "refresh", "early", "local", "tag", "each", "by", "bypass_in_transaction"];

/// What does the job here, the words of other crates and languages for it, and the hint.
const HABITS: [(&str, &[&str], &str); 13] = [
    (
        "ttl",
        &[
            "ex",
            "expire",
            "expires",
            "expires_in",
            "expiration",
            "expiry",
            "lifetime",
            "max_age",
            "px",
            "time",
            "time_to_live",
            "tti",
            "ttl_millis",
            "ttl_ms",
            "ttl_secs",
            "ttl_seconds",
        ],
        "how long a value lives is `ttl = 3600` or `ttl = \"1h30m\"`",
    ),
    (
        "mutex",
        &["lock", "locked", "single_flight", "singleflight", "sync", "sync_lock", "sync_writes", "coalesce"],
        "one loader at a time is `mutex`",
    ),
    (
        "key",
        &["convert", "key_expr", "key_prefix", "keys", "name", "namespace", "prefix", "template"],
        "the whole key is one template: `key = \"user:<id>\"`",
    ),
    (
        "skip",
        &["exclude", "ignore", "ignore_args", "skip_all", "skip_args", "without"],
        "arguments that are not part of the key are named by `skip(pool)`",
    ),
    ("when", &["cache_if", "cond", "condition", "if", "only_if"], "caching under a condition is `when = expr`"),
    ("unless", &["except", "if_not", "unless_result"], "not storing some values is `unless = |value| expr`"),
    (
        "none_ttl",
        &["option", "negative_ttl", "null_ttl", "cache_none"],
        "`None` is told by its type, and cached with `none_ttl = \"30s\"`",
    ),
    (
        "returns",
        &["result", "ret", "return", "return_type"],
        "a `Result` is told by its type; `returns = result` or `returns = value` overrides that",
    ),
    ("version", &["schema", "schema_version", "v"], "the schema version of a value is `version = 2`"),
    (
        "cache",
        &["backend", "client", "connection", "create", "disk", "redis", "store", "ty", "url"],
        "which cache to use is `cache = expr`",
    ),
    ("jitter", &["spread", "ttl_jitter"], "shortening each ttl at random is `jitter = 0.1`"),
    ("load_timeout", &["deadline", "timeout"], "how long a load may hold its lease is `load_timeout = \"30s\"`"),
    (
        "",
        &["map_error", "error"],
        "there is nothing to map: a cached call never fails because of the cache, and keeps its error type",
    ),
];

/// What to say about a word that is no option, and which option was probably meant.
pub(crate) fn unknown(word: &str) -> (String, Option<&'static str>) {
    let options = list(OPTIONS);
    if LATER.contains(&word) {
        return (format!("`{word}` is not available in this version; the options are {options}"), None);
    }
    if let Some((meant, _, hint)) = HABITS.iter().find(|(_, words, _)| words.contains(&word)) {
        return (format!("there is no option `{word}`; {hint}"), Some(meant));
    }
    let meant = did_you_mean(word, OPTIONS);
    let message = match meant {
        Some(meant) => format!("there is no option `{word}`, did you mean `{meant}`? The options are {options}"),
        None => format!("there is no option `{word}`; the options are {options}"),
    };
    (message, meant)
}

#[cfg(test)]
mod tests {
    use super::{HABITS, LATER, OPTIONS, unknown};

    #[test]
    fn hints() {
        for (word, part) in [
            ("expire", "`ttl = 3600`"),
            ("sync_writes", "`mutex`"),
            ("prefix", "key = \"user:<id>\""),
            ("if", "`when = expr`"),
            ("stale", "not available in this version"),
            ("tll", "did you mean `ttl`?"),
            ("qwertz", "the options are `key`, `ttl`"),
        ] {
            let (message, _) = unknown(word);
            assert!(message.contains(part), "{word}: {message}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        let mut words: Vec<&str> = OPTIONS.into_iter().chain(LATER).collect();
        words.extend(HABITS.iter().flat_map(|(_, words, _)| words.iter().copied()));
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
