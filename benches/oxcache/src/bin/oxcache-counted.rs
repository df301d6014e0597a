//! The same with an allocator that counts, and is therefore not the one that is timed.

fn main() -> std::process::ExitCode {
    oxcache_peer::run(Some(|calls| {
        let counted = allocation_counter::measure(calls);
        (counted.count_total, counted.bytes_total)
    }))
}
