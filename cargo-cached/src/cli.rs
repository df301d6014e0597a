//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::check::Lint;
use crate::duration;

const EXIT: &str =
    "Exit codes: 0 done; 1 `check` found something, or there is nothing under the key; 2 it could not be done.";

/// Sees what the annotated functions of a workspace do, and what is wrong between them; reads single keys of a cache.
#[derive(Debug, Parser)]
#[command(name = "cargo-cached", bin_name = "cargo cached", version, after_help = EXIT, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: clap::ColorChoice,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists every annotated function: key, ttl, value, options, who invalidates it, place
    #[command(after_help = "\
Examples:
  cargo cached list
  cargo cached list --all-targets
  cargo cached list --json | jq '.functions[] | select(.ttl_ms > 3600000) | .name'

Nothing is built: the sources of libraries, binaries and examples are read as they are.")]
    List {
        #[command(flatten)]
        workspace: Workspace,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Reports what is wrong between functions; exits with 1 if anything is
    #[command(after_help = "\
Examples:
  cargo cached check
  cargo cached check --long-ttl 12h --allow unbounded-text

A comment at the function lets one finding pass, `// cached: allow(never-invalidated)`.
With a cached.lock in the workspace (see `cargo cached lock`), drift against it is a finding.
Libraries and binaries are checked together; each example is a program of its own beside them.")]
    Check {
        #[command(flatten)]
        workspace: Workspace,
        /// A ttl over this needs somebody who invalidates
        #[arg(long, default_value = "1h", value_name = "TIME", value_parser = duration::argument)]
        long_ttl: Duration,
        /// Let these findings pass everywhere
        #[arg(long, value_name = "LINT", value_delimiter = ',')]
        allow: Vec<Lint>,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Writes cached.lock: what is stored under which key, for `check` to compare with
    #[command(after_help = "\
Example:
  cargo cached lock && git add cached.lock

`check` then reports a key, a type or a field that changed under the same version.")]
    Lock {
        /// The Cargo.toml of the workspace, or of one of its members
        #[arg(long, value_name = "PATH")]
        manifest_path: Option<PathBuf>,
    },
    /// Shows what a key holds: the value, its age and ttl, tags, version, codec; or the lease or marker
    #[command(after_help = "\
Examples:
  cargo cached get user:42 --prefix shop
  REDIS_URL=redis://cache.internal/ cargo cached get user:42 --json

KEY is what the template renders, without the prefix. Nothing is changed by looking.")]
    Get {
        #[command(flatten)]
        wanted: Wanted,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Shows when Redis drops a key
    #[command(after_help = "Example:\n  cargo cached ttl user:42 --prefix shop")]
    Ttl {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Invalidates a key, as `Cache::invalidate` does: a load that runs now cannot store what it has read
    #[command(after_help = "Example:\n  cargo cached del user:42 --prefix shop")]
    Del {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Prints what a shell needs to complete this command
    #[command(after_help = "\
Examples:
  cargo cached completions bash > ~/.local/share/bash-completion/completions/cargo-cached
  cargo cached completions zsh > ~/.zfunc/_cargo-cached

They complete `cargo-cached …`, the program's own name.")]
    Completions {
        /// Which one
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub struct Workspace {
    /// The Cargo.toml of the workspace, or of one of its members
    #[arg(long, value_name = "PATH")]
    pub manifest_path: Option<PathBuf>,
    /// Tests, benches and `#[cfg(test)]` too
    #[arg(long)]
    pub all_targets: bool,
}

#[derive(Debug, Args)]
pub struct Wanted {
    /// As the template renders it: `user:42`
    pub key: String,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Debug, Args)]
pub struct Server {
    /// As for `Builder::redis`: also `rediss://`, `redis+cluster://`, `redis+sentinel://`
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// The cache's prefix
    #[arg(long, env = "CACHE_PREFIX", default_value = "cache")]
    pub prefix: String,
    /// How long to wait for Redis
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = duration::argument)]
    pub timeout: Duration,
}
