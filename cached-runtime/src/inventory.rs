//! Which annotated functions a cache serves, and how.

use std::time::Duration;

use crate::policy::{Early, Policy, Ttl};
use crate::site::Site;

/// One annotated function that has used a cache: what its annotation says.
///
/// ```
/// # use cached_runtime::Cache;
/// for function in Cache::in_memory().inventory() {
///     println!("{} ({}:{}) {}", function.name, function.file, function.line, function.template);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotated {
    /// Module path and name.
    pub name: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Source line.
    pub line: u32,
    /// The template of its (first) key as written, `user:<id>`.
    pub template: &'static str,
    /// Whether it has read through the cache. If not, it writes or invalidates.
    pub reads: bool,
    /// How long its values live, `1h30m`, `never` (they do not expire) or `by value`; `None` for a function that stores
    /// nothing.
    pub ttl: Option<String>,
    /// What else its annotation says, as it is written there: `mutex`, `stale = "10m"`. What is as it is unless said is
    /// not listed.
    pub options: Vec<String>,
}

impl Annotated {
    pub(crate) fn of(site: &Site, reads: bool) -> Self {
        let policy = &site.policy;
        let ttl = match policy.ttl {
            Ttl::For(ttl) => Some(written(ttl)),
            Ttl::PerValue => Some("by value".to_owned()),
            Ttl::Never => reads.then(|| "never".to_owned()),
        };
        Self {
            name: site.name,
            file: site.file,
            line: site.line,
            template: site.template,
            reads,
            ttl,
            options: options(policy),
        }
    }
}

/// Where a policy is another than the one that says nothing.
fn options(policy: &Policy) -> Vec<String> {
    let plain = Policy::never();
    let time = |name: &str, time: Duration| format!("{name} = \"{}\"", written(time));
    let mut options = Vec::new();
    if policy.mutex {
        let inner = [
            (policy.lease != plain.lease).then(|| time("lease", policy.lease)),
            (policy.wait != plain.wait).then(|| time("wait", policy.wait)),
            policy.stale_on_timeout.then(|| "on_timeout = stale".to_owned()),
        ];
        let inner: Vec<_> = inner.into_iter().flatten().collect();
        options.push(if inner.is_empty() { "mutex".to_owned() } else { format!("mutex({})", inner.join(", ")) });
    }
    options.extend(policy.local.map(|at_most| match at_most {
        Duration::MAX => "local".to_owned(),
        at_most => format!("local = \"{}\"", written(at_most)),
    }));
    options.extend(policy.none_ttl.map(|ttl| time("none_ttl", ttl)));
    options.extend(policy.error_ttl.map(|ttl| time("error_ttl", ttl)));
    options.extend(policy.stale.map(|stale| time("stale", stale)));
    options.extend(policy.background.then(|| "refresh = background".to_owned()));
    options.extend(match policy.early {
        Early::Worthwhile => None,
        Early::Beta(beta) => Some(format!("early = {beta}")),
        Early::Off => Some("early = off".to_owned()),
    });
    options.extend((policy.version != plain.version).then(|| format!("version = {}", policy.version)));
    options.extend((policy.jitter.to_bits() != plain.jitter.to_bits()).then(|| format!("jitter = {}", policy.jitter)));
    options.extend((policy.load_timeout != plain.load_timeout).then(|| time("load_timeout", policy.load_timeout)));
    options
}

/// A duration as an annotation writes it, `1h30m`.
fn written(duration: Duration) -> String {
    let (mut text, mut millis) = (String::new(), duration.as_millis());
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
        if millis >= unit {
            text += &format!("{}{name}", millis / unit);
            millis %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_annotation_says_is_listed_and_what_it_does_not_say_is_not() {
        let plain = Policy::ttl(Duration::from_secs(5400));
        assert_eq!(written(Duration::from_millis(93_784_005)), "1d2h3m4s5ms");
        assert!(options(&plain).is_empty(), "{:?}", options(&plain));
        let policy = plain
            .mutex()
            .wait(Duration::from_secs(3))
            .stale_on_timeout()
            .local(Duration::from_secs(5))
            .none_ttl(Duration::from_secs(30))
            .stale(Duration::from_secs(600))
            .no_early()
            .version(2);
        let said = [
            "mutex(wait = \"3s\", on_timeout = stale)",
            "local = \"5s\"",
            "none_ttl = \"30s\"",
            "stale = \"10m\"",
            "early = off",
            "version = 2",
        ];
        assert_eq!(options(&policy), said);
        assert_eq!(options(&plain.local(Duration::MAX)), ["local"]);
    }
}
