//! How a server is asked. From Redis 7.0 on, and on every Valkey, `SET .. NX GET`, `PEXPIRE .. GT` and `PEXPIREAT .. GT` are commands; Redis
//! 6.2 refuses both, and scripts do the same there, in one round trip as well.
//!
//! What a server says of itself decides, per connection. Where it says nothing (`INFO` may be forbidden) the commands are
//! sent, and a server that does not understand them is asked by scripts from then on.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ::redis::{Arg, Cmd, ErrorKind, RedisError, ServerErrorKind};

use super::commands::call;
use super::scripts::{self, Script};
use crate::event;

/// The oldest that is supported, and the first that needs no scripts for it.
const OLDEST: (u32, u32) = (6, 2);
const NATIVE: (u32, u32) = (7, 0);

/// What a server said of itself, in answer to `INFO server`.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) run_id: Option<String>,
    version: Option<(u32, u32)>,
}

impl About {
    pub(crate) fn parse(info: &str) -> Self {
        let said = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let version = said("redis_version").and_then(|version| {
            let mut numbers = version.split('.').map(|number| number.parse().ok());
            Some((numbers.next()??, numbers.next()??))
        });
        Self { run_id: said("run_id").map(str::to_owned), version }
    }

    pub(crate) fn is_too_old(&self) -> bool {
        self.version.is_some_and(|version| version < OLDEST)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        Dialect { scripted: self.version.is_some_and(|version| version < NATIVE).into() }
    }
}

/// How the server of one connection is asked.
#[derive(Debug)]
pub(crate) struct Dialect {
    scripted: AtomicBool,
}

impl Dialect {
    pub(crate) fn is_scripted(&self) -> bool {
        self.scripted.load(Ordering::Relaxed)
    }

    /// The server did not understand.
    pub(crate) fn correct(&self) {
        static SAID: Once = Once::new();
        self.scripted.store(true, Ordering::Relaxed);
        SAID.call_once(|| {
            event::warning!("cache: the server does not take `SET` with `NX` and `GET`: scripts are used instead")
        });
    }
}

/// The script that does what the command does, where not every server knows the command.
pub(crate) struct Scripted<'c> {
    script: &'static Script,
    key: &'c [u8],
    arguments: Vec<&'c [u8]>,
}

impl<'c> Scripted<'c> {
    pub(crate) fn of(command: &'c Cmd) -> Option<Self> {
        let mut words = command.args_iter().map(|word| match word {
            Arg::Simple(word) => word,
            _ => b"",
        });
        let mut next = || words.next().unwrap_or_default();
        let older = scripts::older();
        match next() {
            b"SET" => {
                let (key, value) = (next(), next());
                let conditions = (next(), next(), next());
                (conditions == (b"NX", b"GET", b"PX")).then(|| Self {
                    script: &older.acquire,
                    key,
                    arguments: vec![value, next()],
                })
            }
            b"PEXPIRE" => {
                let (key, px) = (next(), next());
                (next() == b"GT").then_some(Self { script: &older.extend, key, arguments: vec![px] })
            }
            b"PEXPIREAT" => {
                let (key, end) = (next(), next());
                (next() == b"GT").then_some(Self { script: &older.extend_until, key, arguments: vec![end] })
            }
            _ => None,
        }
    }

    /// As the server knows it already.
    pub(crate) fn by_name(&self) -> Cmd {
        call("EVALSHA", &self.script.sha1, &[self.key], &self.arguments)
    }

    /// For a server that does not have it.
    pub(crate) fn in_full(&self) -> Cmd {
        call("EVAL", self.script.text, &[self.key], &self.arguments)
    }
}

/// Whether a refusal says that the server does not know such a command, or has forgotten such a script. Nothing was
/// done then, so asking in other words creates no second token.
pub(crate) fn is_not_understood(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::NoScript) => true,
        ErrorKind::Server(ServerErrorKind::ResponseError) => {
            let words = error.detail().unwrap_or_default();
            words.starts_with("syntax error") || words.starts_with("wrong number of arguments")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(info: &str) -> (bool, bool) {
        let about = About::parse(info);
        (about.is_too_old(), about.dialect().is_scripted())
    }

    #[test]
    fn what_a_server_says_of_itself_decides() {
        assert_eq!(about("# Server\r\nredis_version:6.2.14\r\nrun_id:abc\r\n"), (false, true));
        assert_eq!(about("redis_version:7.0.15\r\n"), (false, false));
        assert_eq!(about("redis_version:10.1\r\n"), (false, false));
        assert_eq!(about("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.8\r\n"), (false, false));
        assert_eq!(about("redis_version:6.0.9\r\n"), (true, true));
        assert_eq!(about("redis_version:255.255.255\r\n"), (false, false), "a build without a version");
    }

    #[test]
    fn a_server_that_says_nothing_is_asked_natively() {
        assert_eq!(about(""), (false, false));
        assert_eq!(about("redis_version:unstable\r\n"), (false, false));
    }

    #[test]
    fn the_run_id_is_read_without_its_line_end() {
        assert_eq!(About::parse("redis_version:6.2.14\r\nrun_id:abc\r\n").run_id.as_deref(), Some("abc"));
    }

    #[test]
    fn only_what_older_servers_refuse_is_a_script() {
        let words = |words: &[&str]| {
            let mut command = Cmd::new();
            command.arg(words);
            Scripted::of(&command).is_some()
        };
        assert!(words(&["SET", "k", "v", "NX", "GET", "PX", "10"]));
        assert!(words(&["PEXPIRE", "k", "10", "GT"]));
        assert!(words(&["PEXPIREAT", "k", "10", "GT"]));
        assert!(!words(&["SET", "k", "v", "PX", "10"]));
        assert!(!words(&["PEXPIRE", "k", "10"]));
        assert!(!words(&["GET", "k"]));
    }
}
