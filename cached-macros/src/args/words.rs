//! The words of the option lists, and the words that people try instead.

use crate::attribute::Attribute;
use crate::errors::{did_you_mean, list};

const CACHED: &[&str] = &[
    "key",
    "ttl",
    "mutex",
    "skip",
    "none_ttl",
    "error_ttl",
    "stale",
    "refresh",
    "early",
    "version",
    "when",
    "unless",
    "jitter",
    "load_timeout",
    "local",
    "tag",
    "bypass_in_transaction",
    "each",
    "by",
    "cache",
    "returns",
    "crate",
];

const INVALIDATE: &[&str] = &["key", "tag", "two_phase", "after_commit", "when", "cache", "returns", "crate"];

const WRITE_THROUGH: &[&str] = &[
    "key",
    "ttl",
    "value",
    "none_ttl",
    "version",
    "when",
    "unless",
    "jitter",
    "load_timeout",
    "tag",
    "after_commit",
    "cache",
    "returns",
    "crate",
];

const WRITE_BEHIND: &[&str] = &[
    "key",
    "each",
    "ttl",
    "skip",
    "max_batch",
    "linger",
    "queue",
    "coalesce",
    "on_full",
    "retries",
    "high_water",
    "accept_loss",
    "version",
    "when",
    "jitter",
    "tag",
    "cache",
    "crate",
];

pub(super) const fn options(attribute: Attribute) -> &'static [&'static str] {
    match attribute {
        Attribute::Cached => CACHED,
        Attribute::Invalidate => INVALIDATE,
        Attribute::WriteThrough => WRITE_THROUGH,
        Attribute::WriteBehind => WRITE_BEHIND,
    }
}

pub(super) fn repeatable(attribute: Attribute, word: &str) -> bool {
    word == "tag" || (word == "key" && attribute == Attribute::Invalidate)
}

pub(super) fn twice(attribute: Attribute, word: &str) -> String {
    if word == "key" && attribute == Attribute::WriteThrough {
        return "`key` is set twice, and a value is stored under one key; write another `#[write_through]` or \
                `#[invalidate]` for the other key"
            .to_owned();
    }
    if word == "key" && attribute == Attribute::WriteBehind {
        return "`key` is set twice, and a value is stored under one key; remove one of the two".to_owned();
    }
    format!("`{word}` is set twice; remove one of the two")
}

/// What does the job here, the words of other crates and languages for it, and the hint.
const HABITS: &[(&str, &[&str], &str)] = &[
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
        &["lock", "locked", "single_flight", "singleflight", "sync", "sync_lock", "sync_writes"],
        "one loader at a time is `mutex`",
    ),
    (
        "key",
        &["convert", "key_expr", "key_prefix", "name", "namespace", "prefix", "template"],
        "the whole key is one template: `key = \"user:<id>\"`",
    ),
    ("key", &["keys"], "a key is one template, `key = \"user:<id>\"`; `#[invalidate]` takes several of them"),
    ("tag", &["group", "groups", "tags"], "what is invalidated together has a `tag = \"org:<org_id>\"` each"),
    (
        "two_phase",
        &["before", "before_invocation", "hide", "two_phases"],
        "hiding the value while the write runs is `two_phase`",
    ),
    (
        "after_commit",
        &["commit", "defer", "on_commit", "scope", "transaction", "transactional", "tx"],
        "waiting for the commit of a transaction is `after_commit`",
    ),
    ("bypass_in_transaction", &["bypass"], "reading past the cache inside of a transaction is `bypass_in_transaction`"),
    ("value", &["arg", "argument", "entity", "put", "set"], "what is stored is the returned value, or `value = user`"),
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
    (
        "each",
        &["batch", "batched", "bulk", "for_each", "foreach", "many", "multi"],
        "a value of its own for each of many ids is `each = id in ids`",
    ),
    (
        "local",
        &["in_memory", "in_process", "l1", "memory", "near", "near_cache"],
        "keeping values in the process too is `local`, or `local = \"5s\"` for at most so long",
    ),
    ("version", &["schema", "schema_version", "v"], "the schema version of a value is `version = 2`"),
    (
        "cache",
        &["backend", "client", "connection", "create", "disk", "redis", "store", "ty", "url"],
        "which cache to use is `cache = expr`",
    ),
    (
        "stale",
        &["grace", "soft_ttl", "stale_if_error", "stale_while_revalidate", "swr"],
        "serving a value past its ttl while one caller loads it anew is `stale = \"10m\"`",
    ),
    (
        "error_ttl",
        &["cache_errors", "err_ttl", "failure_ttl"],
        "remembering an error for a moment is `error_ttl = \"200ms\"`",
    ),
    ("early", &["beta", "prefetch", "refresh_ahead", "xfetch"], "loading anew before the ttl is over is `early = 1.0`"),
    ("refresh", &["background", "revalidate", "spawn"], "loading anew in a spawned task is `refresh = background`"),
    ("jitter", &["spread", "ttl_jitter"], "shortening each ttl at random is `jitter = 0.1`"),
    ("load_timeout", &["deadline", "timeout"], "how long a load may hold its lease is `load_timeout = \"30s\"`"),
    (
        "max_batch",
        &["batch_max", "batch_size", "chunk", "chunk_size", "max_batch_size", "max_size"],
        "how many values the body is called with at most is `max_batch = 500`",
    ),
    (
        "linger",
        &["batch_timeout", "debounce", "delay", "flush_every", "flush_interval", "interval", "max_wait", "window"],
        "how long a value waits for others is `linger = \"50ms\"`",
    ),
    ("queue", &["channel", "list", "queue_name", "stream", "topic"], "the queue's name is `queue = \"users\"`"),
    (
        "coalesce",
        &["combine", "dedup", "deduplicate", "keep_all", "last_write_wins", "merge"],
        "of the writes of one key in a batch the last is written, or with `coalesce = off` all of them",
    ),
    (
        "on_full",
        &["backpressure", "on_overflow", "overflow", "when_full"],
        "what a call does when the queue is full is `on_full = write_through` or `on_full = error`",
    ),
    (
        "retries",
        &["attempts", "max_attempts", "max_retries", "retry", "retry_limit"],
        "how often a value is tried again before it is put aside is `retries = 10`",
    ),
    (
        "high_water",
        &["capacity", "high_watermark", "limit", "max_len", "max_queue", "maxlen", "queue_size"],
        "how many values may wait in the queue is `high_water = 100000`; nothing is ever trimmed away",
    ),
    (
        "accept_loss",
        &["i_accept_loss", "unsafe", "volatile"],
        "queueing in a server that may lose what it acknowledged is `accept_loss`",
    ),
    (
        "",
        &["all", "all_entries", "clear", "flush"],
        "many values are invalidated together by a `tag`, all of them by `cache.clear()`",
    ),
    (
        "",
        &["map_error", "error"],
        "there is nothing to map: a cached call never fails because of the cache, and keeps its error type",
    ),
];

/// What to say about a word that is no option, and which option was probably meant.
pub(super) fn unknown(attribute: Attribute, word: &str) -> (String, Option<&'static str>) {
    let own = options(attribute);
    let options = list(own.iter().copied());
    if let Some((message, meant)) = elsewhere(attribute, word) {
        return (message, Some(meant));
    }
    let known = |meant: &str| meant.is_empty() || own.contains(&meant);
    if let Some((meant, _, hint)) = HABITS.iter().find(|(meant, words, _)| known(meant) && words.contains(&word)) {
        return (format!("there is no option `{word}`; {hint}"), Some(meant));
    }
    let meant = did_you_mean(word, own.iter().copied());
    let message = match meant {
        Some(meant) => format!("there is no option `{word}`, did you mean `{meant}`? The options are {options}"),
        None => format!("there is no option `{word}`; the options are {options}"),
    };
    (message, meant)
}

/// An option of the other attributes.
fn elsewhere(attribute: Attribute, word: &str) -> Option<(String, &'static str)> {
    let owned = |other: &Attribute| options(*other).contains(&word);
    let owners: Vec<String> = Attribute::ALL.into_iter().filter(owned).map(|other| other.to_string()).collect();
    let meant = Attribute::ALL.into_iter().flat_map(options).find(|option| **option == word)?;
    let instead = match (attribute, word) {
        (Attribute::WriteBehind, word) => of_write_behind(word),
        (Attribute::Cached, "coalesce") => "loads of one key share one load; over all processes with `mutex`",
        (Attribute::Cached, "value") => "a reader stores what it returns; leave it out",
        (Attribute::Cached, "after_commit") => "a read inside of a transaction says `bypass_in_transaction`",
        (Attribute::Cached, _) => "a reader writes nothing; leave it out",
        (_, "each" | "by") => {
            "this one writes one at a time; leave it out, and write in a loop, invalidate by a `tag`, or write \
             `#[write_behind]`"
        }
        (_, "max_batch" | "linger" | "queue" | "coalesce" | "on_full" | "retries" | "high_water" | "accept_loss") => {
            "this one writes before it returns; write `#[write_behind]` to have it written later, in batches, or leave \
             it out"
        }
        (_, "skip") => "the arguments of a writer need not be in its key; leave it out",
        (_, "mutex") => "loads take turns, writes do not; leave it out",
        (_, "bypass_in_transaction") => "a writer inside of a transaction says `after_commit`",
        (Attribute::Invalidate, "value") => {
            "an invalidation stores nothing; write `#[write_through]` to store the value"
        }
        (_, "error_ttl") => "it is about loads; leave it out",
        (Attribute::WriteThrough, "stale" | "refresh" | "early") => {
            "it is for readers, who load anew what is out of date; leave it out"
        }
        (Attribute::WriteThrough, "local") => "it is for readers, whose process keeps what they read; leave it out",
        (Attribute::Invalidate, _) => "an invalidation stores nothing; leave it out",
        (Attribute::WriteThrough, _) => "the value is hidden while `#[write_through]` writes anyway; leave it out",
    };
    let owners = list(owners.iter().map(String::as_str));
    Some((format!("`{word}` is an option of {owners}: {instead}"), meant))
}

/// An option of the others where values are written later.
fn of_write_behind(word: &str) -> &'static str {
    match word {
        "value" => "what is stored are the values of `each`; leave it out",
        "returns" | "none_ttl" | "unless" => {
            "the call returns before the body runs, and what is stored are the values of `each`; leave it out"
        }
        "after_commit" | "bypass_in_transaction" => {
            "the body runs in a worker, outside of any transaction of the caller's; leave it out"
        }
        "two_phase" => "readers see the new value at once; leave it out",
        _ => "it is for readers; leave it out",
    }
}

#[cfg(test)]
mod tests {
    use super::{CACHED, HABITS, INVALIDATE, WRITE_BEHIND, WRITE_THROUGH, unknown};
    use crate::attribute::Attribute::{Cached, Invalidate, WriteBehind, WriteThrough};

    #[test]
    fn hints() {
        for (attribute, word, part) in [
            (Cached, "expire", "`ttl = 3600`"),
            (Cached, "sync_writes", "`mutex`"),
            (Cached, "prefix", "key = \"user:<id>\""),
            (Cached, "if", "`when = expr`"),
            (Cached, "l1", "`local = \"5s\"`"),
            (Invalidate, "stale", "an option of `#[cached]`: an invalidation stores nothing"),
            (WriteThrough, "local", "an option of `#[cached]`: it is for readers"),
            (WriteThrough, "early", "an option of `#[cached]`: it is for readers"),
            (Cached, "tll", "did you mean `ttl`?"),
            (Cached, "qwertz", "the options are `key`, `ttl`"),
            (Cached, "two_phase", "an option of `#[invalidate]`: a reader writes nothing"),
            (Cached, "after_commit", "says `bypass_in_transaction`"),
            (Cached, "value", "an option of `#[write_through]`: a reader stores what it returns"),
            (
                Invalidate,
                "ttl",
                "an option of `#[cached]`, `#[write_through]` and `#[write_behind]`: an invalidation stores nothing",
            ),
            (Invalidate, "expire", "there is no option `expire`; the options are `key`, `tag`"),
            (Invalidate, "tags", "`tag = \"org:<org_id>\"`"),
            (Invalidate, "before_invocation", "`two_phase`"),
            (Invalidate, "transaction", "`after_commit`"),
            (Invalidate, "all_entries", "`cache.clear()`"),
            (Invalidate, "skip", "an option of `#[cached]` and `#[write_behind]`: the arguments of a writer"),
            (Cached, "batch", "`each = id in ids`"),
            (Invalidate, "each", "an option of `#[cached]` and `#[write_behind]`: this one writes one at a time"),
            (WriteThrough, "by", "an option of `#[cached]`: this one writes one at a time"),
            (Invalidate, "value", "write `#[write_through]`"),
            (WriteThrough, "mutex", "loads take turns"),
            (WriteThrough, "two_phase", "an option of `#[invalidate]`: the value is hidden"),
            (WriteThrough, "bypass_in_transaction", "says `after_commit`"),
            (WriteThrough, "entity", "`value = user`"),
            (WriteThrough, "linger", "an option of `#[write_behind]`: this one writes before it returns"),
            (Cached, "queue", "an option of `#[write_behind]`: a reader writes nothing"),
            (Cached, "coalesce", "with `mutex`"),
            (WriteBehind, "batch_size", "`max_batch = 500`"),
            (WriteBehind, "maxlen", "nothing is ever trimmed away"),
            (WriteBehind, "by", "an option of `#[cached]`: it is for readers"),
            (WriteBehind, "value", "the values of `each`"),
            (WriteBehind, "returns", "returns before the body runs"),
            (WriteBehind, "linge", "did you mean `linger`?"),
            (WriteThrough, "valu", "did you mean `value`?"),
        ] {
            let (message, _) = unknown(attribute, word);
            assert!(message.contains(part), "{word}: {message}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        let mut words: Vec<&str> = [CACHED, INVALIDATE, WRITE_THROUGH, WRITE_BEHIND].concat();
        words.sort_unstable();
        words.dedup();
        words.extend(HABITS.iter().flat_map(|(_, words, _)| words.iter().copied()));
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
