//! What a server says of itself.

use crate::support::Redis;

/// A field of `INFO`.
fn field(info: &str, name: &str) -> f64 {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(f64::NAN)
}

/// What it has taken of the processor since it started, in microseconds.
pub fn processor_time(redis: &Redis) -> f64 {
    let info: String = redis.command(&["INFO", "cpu"]);
    (field(&info, "used_cpu_user") + field(&info, "used_cpu_sys")) * 1e6
}

/// Bytes that its data takes, with everything around.
pub fn memory(redis: &Redis) -> f64 {
    let info: String = redis.command(&["INFO", "memory"]);
    field(&info, "used_memory")
}

/// Which commands it was asked, and how often.
pub fn commands(redis: &Redis) -> std::collections::BTreeMap<String, u64> {
    let stats: String = redis.command(&["INFO", "commandstats"]);
    let parsed = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_uppercase().replace('|', " "), rest.split(',').next()?.parse().ok()?))
    });
    parsed.collect()
}
