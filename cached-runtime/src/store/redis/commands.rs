//! Words and answers of several commands, as Redis spells them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, ToRedisArgs, Value};
use bytes::Bytes;

use crate::stamp::SLACK;
use crate::store::{Ask, Filling, Stamp, StoreError};

/// The commands that read stamps, or make them.
pub(super) fn ask(commands: &mut Pipeline, asks: &[Ask]) {
    for ask in asks {
        let fresh: &[u8] = &ask.fresh.to_le_bytes();
        commands.cmd("SET").arg(&*ask.key).arg(fresh).arg("NX").arg("GET").arg("PX").arg(millis(ask.px));
        if ask.extend {
            commands.cmd("PEXPIRE").arg(&*ask.key).arg(millis(ask.px)).arg("GT");
        }
    }
}

/// The ends of stamps are multiples of this. So most fills find them late enough, and change nothing: whoever watches a
/// stamp is told of a new end as of any other change, and could keep nothing with a tag under which others store.
const STEP: Duration = Duration::from_secs(900);

/// When a stamp ends that outlives what lives so long, in milliseconds since 1970. A clock that is wrong by less than the
/// slack does no harm, one that is wrong by more costs misses.
fn end_of_stamp(px: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let end = millis(now.saturating_add(px).saturating_add(SLACK));
    end.checked_next_multiple_of(millis(STEP)).unwrap_or(end)
}

/// The commands that let stamps outlive what carries them.
pub(super) fn outlive(commands: &mut Pipeline, filling: &Filling) {
    for tag in &filling.tags {
        match filling.px {
            Some(px) => commands.cmd("PEXPIREAT").arg(&**tag).arg(end_of_stamp(px)).arg("GT"),
            None => commands.cmd("PERSIST").arg(&**tag),
        };
    }
}

/// The answers to [`ask`].
pub(super) fn stamps(
    asks: &[Ask],
    replies: &mut impl Iterator<Item = Result<Value, StoreError>>,
) -> Vec<Option<Stamp>> {
    let answer = |ask: &Ask| {
        let reply = replies.next();
        if ask.extend {
            replies.next();
        }
        stamp(reply?, Some(ask.fresh))
    };
    asks.iter().map(answer).collect()
}

/// The answer to one; `fresh` is what was put there where there was nothing.
pub(super) fn stamp(reply: Result<Value, StoreError>, fresh: Option<Stamp>) -> Option<Stamp> {
    match reply {
        Ok(Value::BulkString(bytes)) => bytes[..].try_into().ok().map(Stamp::from_le_bytes),
        Ok(Value::Nil) => fresh,
        _ => None,
    }
}

pub(super) fn bytes(reply: Value) -> Result<Option<Bytes>, StoreError> {
    match reply {
        Value::BulkString(bytes) => Ok(Some(bytes.into())),
        Value::Nil => Ok(None),
        _ => Err(unexpected()),
    }
}

pub(super) fn unexpected() -> StoreError {
    StoreError::Refused("unexpected reply".to_owned())
}

pub(super) fn call(command: &str, script: &str, keys: &[impl ToRedisArgs], arguments: &[&[u8]]) -> Cmd {
    let mut command = ::redis::cmd(command);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}

/// Milliseconds for `PX`, which refuses zero.
pub(super) fn millis(px: Duration) -> u64 {
    u64::try_from(px.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX.unsigned_abs() / 4)
}

/// What an error means, by its code: a server's own words may quote arguments.
pub(super) fn refusal(error: &RedisError) -> StoreError {
    match error.kind() {
        ErrorKind::Io => StoreError::Unavailable,
        ErrorKind::Server(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => StoreError::Elsewhere {
            address: error.redirect_node().map_or_else(String::new, |(address, _)| address.to_owned()),
            asking: kind == ServerErrorKind::Ask,
        },
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreError::WritesRefused,
        kind => match in_script(error).or_else(|| error.code()) {
            Some("READONLY" | "NOREPLICAS" | "MISCONF") => StoreError::WritesRefused,
            Some("OOM") => StoreError::OutOfMemory,
            Some("WRONGTYPE") => StoreError::ForeignKind,
            Some(code) => StoreError::Refused(code.to_owned()),
            None => StoreError::Refused(format!("{kind:?}")),
        },
    }
}

/// The code of a refusal within a script. Redis before 7.0 wraps it: `ERR Error running script (call to f_..):
/// @user_script:1: @user_script: 1: -OOM ..`.
fn in_script(error: &RedisError) -> Option<&str> {
    let wrapped = error.detail().filter(|_| error.code() == Some("ERR"))?.strip_prefix("Error running script (")?;
    let (_, mut words) = wrapped.split_once("): ")?;
    while let Some(place) = words.strip_prefix("@user_script:") {
        words = place.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).strip_prefix(": ")?;
    }
    let code = words.strip_prefix('-').unwrap_or(words).split(' ').next()?;
    code.bytes().all(|byte| byte.is_ascii_uppercase()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(reply: &str) -> StoreError {
        let value = ::redis::parse_redis_value(format!("-{reply}\r\n").as_bytes()).expect("a reply");
        refusal(&value.extract_error().expect_err("an error"))
    }

    #[test]
    fn a_refusal_within_a_script_means_what_it_means_outside() {
        let wrapped = |words: &str| {
            format!(
                "ERR Error running script (call to f_b652620c7b713fe37100e275ef452e9b375fe26d): @user_script:1: {words}"
            )
        };
        for (words, expected) in [
            ("@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.", StoreError::OutOfMemory),
            ("@user_script: 1: -READONLY You can't write against a read only replica.", StoreError::WritesRefused),
            ("@user_script: 1: -NOREPLICAS Not enough good replicas to write.", StoreError::WritesRefused),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", StoreError::ForeignKind),
            ("ERR value is not an integer or out of range", StoreError::Refused("ERR".to_owned())),
            ("attempt to index a nil value", StoreError::Refused("ERR".to_owned())),
        ] {
            assert_eq!(meaning(&wrapped(words)), expected, "{words}");
        }
        assert_eq!(meaning("ERR syntax error"), StoreError::Refused("ERR".to_owned()));
        assert_eq!(meaning("OOM command not allowed"), StoreError::OutOfMemory);
    }
}
