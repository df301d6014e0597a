//! Durations as people write them: `"1h30m"`, `"500ms"`, `"2h 5m"`.

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Longer than that is a slip of the unit: seconds where milliseconds were meant, or a `ttl` that should be `never`.
const LONGEST: u64 = 100 * 365 * 86_400_000;

/// A number of seconds, in milliseconds.
pub(crate) fn seconds(seconds: u64) -> Result<u64, String> {
    bounded(seconds.checked_mul(1_000))
}

/// A text, in milliseconds.
pub(crate) fn text(text: &str) -> Result<u64, String> {
    let mut total = Some(0_u64);
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("the duration is empty; write \"90s\" or \"1h30m\"".to_owned());
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit());
        if number.is_empty() {
            return Err(format!("`{rest}` is not a duration; write a number and its unit: \"90s\" or \"1h30m\""));
        }
        let (unit, after) = split(after.trim_start(), |letter| letter.is_alphabetic() || letter == '.');
        if unit.is_empty() {
            return Err(format!("`{number}` has no unit; write \"{number}s\" for seconds"));
        }
        if unit.starts_with('.') {
            return Err(format!("`{text}` has a fraction; write whole numbers: \"1h30m\", \"1500ms\""));
        }
        let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{unit}` is not a unit; the units are `ms`, `s`, `m`, `h` and `d`"));
        };
        let number = number.parse::<u64>().ok();
        total = total.zip(number.and_then(|number| number.checked_mul(*millis))).and_then(|(a, b)| a.checked_add(b));
        rest = after.trim_start();
    }
    bounded(total)
}

fn bounded(millis: Option<u64>) -> Result<u64, String> {
    millis
        .filter(|millis| *millis <= LONGEST)
        .ok_or_else(|| "this is longer than 100 years; numbers are seconds, and text has units: \"7d\"".to_owned())
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|letter| !belongs(letter)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts() {
        for (text, millis) in [
            ("90s", 90_000),
            ("500ms", 500),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("2h 5m", 7_500_000),
            (" 2 h ", 7_200_000),
            ("0s", 0),
            ("1d1h1m1s1ms", 90_061_001),
        ] {
            assert_eq!(super::text(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn mistakes() {
        for (text, part) in [
            ("", "empty"),
            ("  ", "empty"),
            ("60", "write \"60s\" for seconds"),
            ("1h30", "write \"30s\" for seconds"),
            ("s", "is not a duration"),
            ("-5s", "is not a duration"),
            ("1.5h", "has a fraction"),
            ("5min", "`min` is not a unit"),
            ("1H", "`H` is not a unit"),
            ("99999999999999999999s", "100 years"),
            ("40000d", "100 years"),
        ] {
            let message = super::text(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!(super::seconds(u64::MAX).is_err());
        assert!(super::seconds(604_800_000_000).is_err());
        assert_eq!(super::seconds(60), Ok(60_000));
    }
}
