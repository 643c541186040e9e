//! A policy as named fields, the way a TOML or JSON file spells it.
//!
//! The core reads no files and depends on no text format, so the reader of the
//! file hands in names and values, and this module knows what they mean. A
//! misspelt field is an error and never a default: a school that writes
//! `max_cuont = 1` must not examine under somebody else's limit.

use std::collections::BTreeMap;

use super::{CountFrom, ExpectedIn, OnLoss, PRESETS, Policy, PolicyError, Scope, Sound, Terms};
use crate::identity::Label;
use crate::limits;
use crate::time::Span;

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
}

/// Every field there is.
const FIELDS: [&str; 14] = [
    "preset",
    "name",
    "max_count",
    "max_duration",
    "min_lost",
    "stable",
    "onset",
    "frame_gap",
    "scope",
    "count_from",
    "sound",
    "expected_max",
    "expected_in",
    "on_loss",
];

const SPAN: &str = "a length of time such as \"120 s\", \"1500 ms\", \"2 min\" or \"1 h\"";

/// The fields given, each once and known.
struct Given<'a>(BTreeMap<&'static str, Value<'a>>);

impl Policy {
    /// Reads a policy from named fields. `[POLICY-24]`
    ///
    /// `preset` names the preset to start from (`xyb-seed` if it is left out);
    /// every other field changes one of its values.
    ///
    /// ```
    /// use diptych_protocol::policy::{Policy, Value};
    /// let policy = Policy::from_fields([
    ///     ("name", Value::Text("our school")),
    ///     ("max_count", Value::Integer(1)),
    ///     ("max_duration", Value::Text("90 s")),
    /// ])?;
    /// assert_eq!(policy.terms().max_count, Some(1));
    /// # Ok::<(), diptych_protocol::policy::PolicyError>(())
    /// ```
    ///
    /// # Errors
    /// A field that is unknown, given twice or of the wrong kind, an unknown
    /// preset, a changed preset without a name of its own, and whatever
    /// [`Policy::new`] refuses.
    pub fn from_fields<'a>(
        fields: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) -> Result<Self, PolicyError> {
        let given = Given::collect(fields)?;
        let preset = *Self::preset(given.text("preset")?.unwrap_or("xyb-seed"))?.terms();
        let mut terms = Terms {
            name: preset.name,
            max_count: given.count()?.unwrap_or(preset.max_count),
            max_duration: given.limit("max_duration")?.unwrap_or(preset.max_duration),
            min_lost: given.span("min_lost")?.unwrap_or(preset.min_lost),
            stable: given.span("stable")?.unwrap_or(preset.stable),
            onset: given.span("onset")?.unwrap_or(preset.onset),
            frame_gap: given.span("frame_gap")?.unwrap_or(preset.frame_gap),
            expected_max: given.span("expected_max")?.unwrap_or(preset.expected_max),
            scope: given.choice("scope", Scope::from_name, Scope::NAMES)?.unwrap_or(preset.scope),
            count_from: given
                .choice("count_from", CountFrom::from_name, CountFrom::NAMES)?
                .unwrap_or(preset.count_from),
            sound: given.choice("sound", Sound::from_name, Sound::NAMES)?.unwrap_or(preset.sound),
            expected_in: given
                .choice("expected_in", ExpectedIn::from_name, ExpectedIn::NAMES)?
                .unwrap_or(preset.expected_in),
            on_loss: given
                .choice("on_loss", OnLoss::from_name, OnLoss::NAMES)?
                .unwrap_or(preset.on_loss),
        };
        let changed = terms != preset;
        match given.text("name")? {
            None if changed || !given.0.contains_key("preset") => return Err(PolicyError::Unnamed),
            None => {}
            Some(text) => {
                terms.name = Label::new(text).map_err(|_| PolicyError::Value {
                    field: "name",
                    expected: "1 to 32 bytes of plain text",
                    got: format!("{text:?}"),
                })?;
            }
        }
        let policy = Self::new(terms)?;
        // [POLICY-25]
        match PRESETS.iter().find(|preset| **preset == terms.name.as_str()) {
            Some(name) if Self::preset(name)? != policy => {
                Err(PolicyError::Borrowed { preset: name })
            }
            _ => Ok(policy),
        }
    }
}

impl<'a> Given<'a> {
    fn collect(
        fields: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) -> Result<Self, PolicyError> {
        let mut given = BTreeMap::new();
        for (name, value) in fields {
            let field = FIELDS.iter().find(|field| **field == name).ok_or_else(|| {
                PolicyError::Field { known: FIELDS.join(", "), got: name.to_owned() }
            })?;
            if given.insert(*field, value).is_some() {
                return Err(PolicyError::Twice { field });
            }
        }
        Ok(Self(given))
    }

    fn text(&self, field: &'static str) -> Result<Option<&'a str>, PolicyError> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Integer(got)) => Err(wrong(field, "a text", got)),
        }
    }

    fn choice<T>(
        &self,
        field: &'static str,
        from_name: impl FnOnce(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, PolicyError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        from_name(text).map(Some).ok_or_else(|| wrong(field, expected, &text))
    }

    fn count(&self) -> Result<Option<Option<u32>>, PolicyError> {
        match self.0.get("max_count") {
            None => Ok(None),
            Some(Value::Text("none")) => Ok(Some(None)),
            Some(Value::Text(text)) => Err(wrong("max_count", "a whole number or \"none\"", text)),
            Some(Value::Integer(got)) => match u32::try_from(*got) {
                Ok(count) => Ok(Some(Some(count))),
                Err(_) => Err(PolicyError::Count { max: limits::POLICY_COUNT_MAX, got: *got }),
            },
        }
    }

    fn limit(&self, field: &'static str) -> Result<Option<Option<Span>>, PolicyError> {
        match self.0.get(field) {
            Some(Value::Text("none")) => Ok(Some(None)),
            _ => Ok(self.span(field)?.map(Some)),
        }
    }

    fn span(&self, field: &'static str) -> Result<Option<Span>, PolicyError> {
        match self.0.get(field) {
            None => Ok(None),
            // A bare number has no unit, and a wrong guess is a factor of 1,000.
            Some(Value::Integer(got)) => Err(wrong(field, SPAN, got)),
            Some(Value::Text(text)) => {
                parse_span(text).map(Some).ok_or_else(|| wrong(field, SPAN, text))
            }
        }
    }
}

/// Whole number, optional space, unit.
fn parse_span(text: &str) -> Option<Span> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let nanos: i64 = match unit.trim_start_matches(' ') {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(nanos).map(Span::from_nanos)
}

fn wrong(field: &'static str, expected: &'static str, got: &dyn core::fmt::Debug) -> PolicyError {
    PolicyError::Value { field, expected, got: format!("{got:?}") }
}
