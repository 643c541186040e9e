//! Times and numbers as people read them.

use std::fmt::Display;

use diptych_protocol::time::Span;
use jiff::Timestamp;

/// A Unix time in milliseconds as a date and time of day in UTC.
pub(crate) fn utc(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).map_or_else(
        |_| format!("{unix_ms} ms after 1970"),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// So many of them: `1 seat`, `2 seats`.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {one}{plural}")
}

/// So many seconds, as [`length`] tells them.
pub(crate) fn span(seconds: u64) -> String {
    // More seconds than a length can have are told as the most that it can.
    let most = i64::MAX / 1_000_000_000;
    length(Span::from_secs(i64::try_from(seconds).unwrap_or(most).min(most)))
}

/// A length of time in its two largest units, rounded down to seconds.
pub(crate) fn length(span: Span) -> String {
    let seconds = span.abs().nanos() / 1_000_000_000;
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let told: Vec<String> = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if told.is_empty() { "0 s".into() } else { told.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0_usize, 1, 2].map(|n| counted(n, "seat")), ["0 seats", "1 seat", "2 seats"]);
    }

    #[test]
    fn times_are_told_in_their_two_largest_units() {
        let told = [0, 59, 60, 3_599, 3_600, 3_605, 90_061, 172_800]
            .map(|seconds| length(Span::from_secs(seconds)));
        let expected = ["0 s", "59 s", "1 min", "59 min 59 s", "1 h", "1 h", "1 d 1 h", "2 d"];
        assert_eq!(told, expected);
        assert_eq!(utc(1_796_439_600_123), "2026-12-05 03:00:00 UTC");
        assert_eq!(utc(i64::MIN), "-9223372036854775808 ms after 1970");
    }
}
