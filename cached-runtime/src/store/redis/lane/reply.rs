//! Replies as they come: where each one ends, and no more than that of most.

use ::redis::{RedisResult, Value, parse_redis_value};
use bytes::Bytes;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Reply {
    /// A string: what a hit is.
    Text(Bytes),
    Nil,
    /// Anything else, errors too, as it came.
    Other(Box<[u8]>),
}

/// No command has a longer text for an answer, nor an error.
const LONGEST_LINE: usize = 64 << 10;
const LONGEST_NUMBER: usize = 32;
/// Nor so many replies in one.
const MOST_ITEMS: usize = 1 << 20;

/// Not what a server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Reply {
    /// Of a reply that is all there.
    pub(super) fn of(whole: &[u8]) -> Self {
        match whole {
            [b'_', ..] | [b'$', b'-', ..] => Self::Nil,
            [b'$', ..] => {
                let begin = whole.iter().position(|&byte| byte == b'\n').map_or(whole.len(), |end| end + 1);
                Self::Text(Bytes::copy_from_slice(whole.get(begin..whole.len() - 2).unwrap_or_default()))
            }
            _ => Self::Other(whole.into()),
        }
    }

    /// As the client would have given it.
    pub(in crate::store::redis) fn value(self) -> RedisResult<Value> {
        match self {
            Self::Text(text) => Ok(Value::BulkString(text.into())),
            Self::Nil => Ok(Value::Nil),
            Self::Other(reply) => parse_redis_value(&reply),
        }
    }
}

/// How long the first reply in these bytes is, or the first command. `None`: not all of it is there.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let (mut at, mut left) = (0_usize, 1_usize);
    while left > 0 {
        let rest = bytes.get(at..).unwrap_or_default();
        // What has not ended is looked at again with each read: so it has to end somewhere.
        let (text, most) = match rest.first() {
            Some(b'+' | b'-' | b'(' | b',') => (true, LONGEST_LINE),
            _ => (false, LONGEST_NUMBER),
        };
        let end = |two: &[u8]| if text { two == b"\r\n" } else { two[1] == b'\n' };
        let Some(line) = rest.windows(2).position(end).map(|at| at + 1) else {
            return if rest.len() > most || rest.first() == Some(&b'\n') { Err(Malformed) } else { Ok(None) };
        };
        let (kind, number) = match rest.get(..line) {
            Some([kind, number @ .., b'\r']) => (*kind, number),
            _ => return Err(Malformed),
        };
        at += line + 1;
        left -= 1;
        match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {}
            b'$' | b'!' | b'=' => {
                if let Some(length) = count(number)? {
                    at = at.checked_add(length).and_then(|end| end.checked_add(2)).ok_or(Malformed)?;
                    if at > bytes.len() {
                        return Ok(None);
                    }
                    if bytes.get(at - 2..at) != Some(b"\r\n") {
                        return Err(Malformed);
                    }
                }
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let items = count(number)?.unwrap_or(0);
                let items = match kind {
                    b'%' => items.checked_mul(2),
                    // What they are about comes behind them.
                    b'|' => items.checked_mul(2).and_then(|items| items.checked_add(1)),
                    _ => Some(items),
                };
                left = items
                    .and_then(|items| left.checked_add(items))
                    .filter(|&left| left <= MOST_ITEMS)
                    .ok_or(Malformed)?;
            }
            _ => return Err(Malformed),
        }
    }
    Ok(Some(at))
}

/// `None`: -1, for what is not there.
fn count(number: &[u8]) -> Result<Option<usize>, Malformed> {
    if number == b"-1" {
        return Ok(None);
    }
    let digit = |count: usize, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| usize::from(byte - b'0'))?;
        count.checked_mul(10)?.checked_add(digit)
    };
    if number.is_empty() { Err(Malformed) } else { number.iter().try_fold(0, digit).map(Some).ok_or(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: [&str; 12] = [
        "+OK\r\n",
        "-ERR no such thing\r\n",
        ":42\r\n",
        "_\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "$0\r\n\r\n",
        "$5\r\na\r\nbc\r\n",
        "*3\r\n$1\r\na\r\n*1\r\n:1\r\n_\r\n",
        "%1\r\n+key\r\n*0\r\n",
        ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n",
        "|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n",
    ];

    #[test]
    fn a_reply_ends_where_it_ends_and_is_not_there_before() {
        for reply in REPLIES.map(str::as_bytes) {
            assert_eq!(length(reply), Ok(Some(reply.len())), "{:?}", reply.escape_ascii());
            assert_eq!(length(&[reply, b":1\r\n"].concat()), Ok(Some(reply.len())));
            for cut in 0..reply.len() {
                assert_eq!(length(&reply[..cut]), Ok(None), "{:?} cut at {cut}", reply.escape_ascii());
            }
        }
    }

    #[test]
    fn what_no_server_says_is_refused() {
        for nonsense in [
            "hello\r\n",
            "$x\r\n",
            "$\r\n",
            "$1\r\nabc",
            "*99999999999999999999\r\n",
            "%18446744073709551615\r\n",
            "\r\n",
            ":4\n",
            "*1000000000\r\n",
            "$1111111111111111111111111111111111111111",
        ] {
            assert_eq!(length(nonsense.as_bytes()), Err(Malformed), "{nonsense:?}");
        }
    }

    #[test]
    fn a_text_goes_on_to_the_end_of_its_line_and_no_line_for_ever() {
        assert_eq!(length(b"-ERR one\ntwo\r\n:1\r\n"), Ok(Some(14)));
        let endless = [b"-ERR ".as_slice(), &[b'x'; LONGEST_LINE]].concat();
        assert_eq!(length(&endless[..LONGEST_LINE]), Ok(None));
        assert_eq!(length(&endless), Err(Malformed));
    }

    #[test]
    fn a_reply_is_what_the_client_makes_of_it() {
        for reply in REPLIES.map(str::as_bytes).into_iter().filter(|reply| reply[0] != b'|') {
            let expected = parse_redis_value(reply).expect("a reply");
            assert_eq!(Reply::of(reply).value().expect("a reply"), expected, "{:?}", reply.escape_ascii());
        }
    }
}
