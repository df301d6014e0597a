fn main() -> std::process::ExitCode {
    peers::run(None)
}
