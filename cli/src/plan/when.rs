//! A time in a plan: of the calendar, or from now.

use diptych_protocol::time::{Instant, Primary, Span};
use jiff::Timestamp;
use toml::Value;

/// What an error says that a time is.
pub(super) const EXPECTED: &str = "a time such as \"in 10 min\" (s, min, h, d), \"now\", or \
                                   2026-12-05T09:00:00+08:00 with its offset from UTC";

/// When something is planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// So long after the program started.
    In(Span),
    /// At this Unix time, in nanoseconds.
    At(i64),
}

impl When {
    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Datetime(time) => Self::parse(&time.to_string()),
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Array(_)
            | Value::Table(_) => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "now" {
            return Some(Self::In(Span::ZERO));
        }
        if let Some(parts) = text.strip_prefix("in ") {
            return from_now(parts).map(Self::In);
        }
        let time: Timestamp = text.parse().ok()?;
        i64::try_from(time.as_nanosecond()).ok().map(Self::At)
    }

    /// The instant that is meant, if the primary's clock shows `now` while the
    /// wall clock shows `wall_ms`.
    #[must_use]
    pub fn instant(self, now: Instant<Primary>, wall_ms: i64) -> Instant<Primary> {
        match self {
            Self::In(span) => now + span,
            Self::At(unix_ns) => now + (Span::from_nanos(unix_ns) - Span::from_millis(wall_ms)),
        }
    }
}

/// `1 h 30 min`: numbers and units in turn.
fn from_now(text: &str) -> Option<Span> {
    let mut words = text.split_ascii_whitespace();
    let mut nanos = 0_i64;
    let mut any = false;
    while let Some(number) = words.next() {
        // `parse` would take a sign.
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = number.parse().ok().filter(|_| digits)?;
        let seconds = match words.next()? {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        nanos = number.checked_mul(seconds)?.checked_mul(1_000_000_000)?.checked_add(nanos)?;
        any = true;
    }
    any.then_some(Span::from_nanos(nanos))
}
