//! What a server says of itself.

use crate::support::Redis;

/// Commands that clients sent, and the processor time that it took, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    pub commands: f64,
    pub micros: f64,
}

/// A field of `INFO`.
fn field(info: &str, name: &str) -> f64 {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(f64::NAN)
}

/// Since it started.
pub fn spent(redis: &Redis) -> Spent {
    let cpu: String = redis.command(&["INFO", "cpu"]);
    let stats: String = redis.command(&["INFO", "commandstats"]);
    let calls = |line: &str| -> Option<f64> { line.split_once(":calls=")?.1.split(',').next()?.parse().ok() };
    // Without what the board itself asks, and what a connection begins with.
    let own = ["info", "hello", "client", "ping", "select", "auth", "config"];
    let of_others = |line: &&str| {
        let name = line.trim_start_matches("cmdstat_").split([':', '|']).next().unwrap_or_default();
        !own.contains(&name)
    };
    let commands = stats.lines().filter(of_others).filter_map(calls).sum();
    let micros = (field(&cpu, "used_cpu_user") + field(&cpu, "used_cpu_sys")) * 1e6;
    Spent { commands, micros }
}

impl Spent {
    pub fn since(self, before: Self) -> Self {
        Self { commands: self.commands - before.commands, micros: self.micros - before.micros }
    }
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
