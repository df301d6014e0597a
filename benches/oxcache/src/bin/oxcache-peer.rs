fn main() -> std::process::ExitCode {
    oxcache_peer::run(None)
}
