//! Durations, as templates' options write them and as people read them.

use std::time::Duration;

/// `1h30m`, in milliseconds.
pub fn parse(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}

/// The two largest units of it: `1h30m`, `2d`, `150ms`.
pub fn show(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut shown = String::new();
    let mut units = 0;
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let count = millis / size;
        if units > 0 || count > 0 {
            units += 1;
        }
        if count > 0 {
            shown += &format!("{count}{unit}");
        }
        millis %= size;
        if units == 2 {
            break;
        }
    }
    shown
}

/// For the command line.
pub fn argument(text: &str) -> Result<Duration, String> {
    let millis = text.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1_000)).or_else(|| parse(text));
    millis.map(Duration::from_millis).ok_or_else(|| "write seconds, or a text such as `1h30m` or `7d`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_shown() {
        for (text, millis, shown) in [
            ("90s", 90_000, "1m30s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("7d", 604_800_000, "7d"),
            (" 2 h 5m ", 7_500_000, "2h5m"),
            ("1500ms", 1_500, "1s500ms"),
            ("1d1m", 86_460_000, "1d"),
            ("0s", 0, "0s"),
        ] {
            assert_eq!(parse(text), Some(millis), "{text}");
            assert_eq!(show(Duration::from_millis(millis)), shown, "{text}");
        }
        for text in ["", "60", "h", "5min", "1.5h", "-1s"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(argument("60"), Ok(Duration::from_secs(60)));
        assert!(argument("soon").is_err());
    }
}
