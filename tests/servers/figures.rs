//! What a server counts.

use std::collections::BTreeMap;

use crate::server::Server;

fn counted(server: &Server, section: &str) -> String {
    let text = server.must(&["INFO", section]);
    server.must::<()>(&["CONFIG", "RESETSTAT"]);
    text
}

/// How often it had to read from its clients since the last look.
pub fn reads(server: &Server) -> u64 {
    let text = counted(server, "stats");
    let reads = text.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    reads.expect("the server counts its reads").trim().parse().expect("a number")
}

/// How often each command ran since the last look, those inside of scripts too; without those that looking takes.
pub fn commands(server: &Server) -> BTreeMap<String, u64> {
    let text = counted(server, "commandstats");
    let line = |line: &str| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), figures.split(',').next()?.parse().ok()?))
    };
    let ours = ["info", "config", "config|resetstat", "hello", "client", "client|setinfo", "ping"];
    text.lines().filter_map(line).filter(|(name, _)| !ours.contains(&&**name)).collect()
}

/// How many of the commands that only newer servers know it has refused or failed at since the last look.
pub fn not_understood(server: &Server) -> u64 {
    let text: String = server.must(&["INFO", "commandstats"]);
    let lines = text.lines().filter(|line| line.starts_with("cmdstat_set:") || line.starts_with("cmdstat_pexpire:"));
    let fields = lines.flat_map(|line| line.split(','));
    let refused =
        fields.filter_map(|field| field.strip_prefix("rejected_calls=").or(field.strip_prefix("failed_calls=")));
    refused.map(|count| count.trim().parse::<u64>().expect("a number")).sum()
}

/// A field of `INFO`.
pub fn field(server: &Server, section: &str, name: &str) -> Option<String> {
    let text: String = server.must(&["INFO", section]);
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}
