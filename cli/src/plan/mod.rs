//! An exam's plan as a file that a school writes.
//!
//! The protocol's plan is made of instants on one device's clock; a school has a
//! calendar. The file is TOML with every field named; whatever it says wrong is
//! answered with the field, what belongs there and what came, and a field that
//! nobody knows is refused, since a misspelt limit must not become a default.

mod error;
mod section;
mod when;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
use diptych_protocol::identity::{ExamTag, Label};
use diptych_protocol::plan::{Mode, Plan, PlanError, Windows};
use diptych_protocol::policy::{PRESETS, Policy, Value as Field};
use diptych_protocol::primary::CheckCode;
use diptych_protocol::time::{Instant, Primary, Span};
use toml::{Table, Value};

use crate::command::utc;
use crate::label::label;

pub use error::{PlanFileError, Problem};
use section::{Section, shown};
pub use when::When;

/// A commented plan to begin with.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Bytes of the longest file that is read.
const LONGEST: u64 = 64 << 10;
const FIELDS: [&str; 8] =
    ["mode", "issuer", "exam", "assistants", "check_code", "windows", "policy", "requirements"];
const WINDOWS: [&str; 4] = ["wait_open", "wait_close", "answer_start", "answer_end"];
const REQUIREMENTS: [&str; 5] =
    ["battery_percent", "charger", "bytes_per_second", "heat", "permissions"];
/// What devices have to bring where a plan does not say.
const USUAL: Requirements = Requirements {
    battery_percent: 20,
    charger: Switch::Off,
    bytes_per_second: 500_000,
    heat: Heat::Hot,
    permissions: Permissions::CAMERA,
};

/// What a plan file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanFile {
    path: std::path::PathBuf,
    mode: Mode,
    issuer: Label,
    exam: ExamTag,
    assistants: u8,
    check_code: CheckCode,
    windows: [When; 4],
    policy: Policy,
    requirements: Requirements,
}

impl PlanFile {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanFileError`] names the field, what was expected and what came.
    pub fn load(path: &Path) -> Result<Self, PlanFileError> {
        let named = |problem| PlanFileError { path: path.to_owned(), problem };
        read(path).and_then(|text| Self::parse(path, &text)).map_err(named)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Problem> {
        let mut plan = Section::new("", table(text)?, &FIELDS)?;
        let mode =
            plan.required("mode", "\"exam\" or \"mock\"", |value| match value.as_str()? {
                "exam" => Some(Mode::Exam),
                "mock" => Some(Mode::Mock),
                _ => None,
            })?;
        let issuer =
            plan.required("issuer", "who holds the exam, 1 to 32 bytes of plain text", |value| {
                value.as_str().map(label)
            })?;
        let issuer = issuer.map_err(|problem| Problem::Name { field: "issuer", problem })?;
        let exam = plan.required("exam", "a text that tells your exams apart", |value| {
            value.as_str().filter(|text| !text.is_empty()).map(ExamTag::of)
        })?;
        let assistants =
            plan.required("assistants", "a number of assistants, 1 to 8", |value| {
                u8::try_from(value.as_integer()?).ok()
            })?;
        let check_code = plan.optional("check_code", "true or false", Value::as_bool)?;
        let windows = plan.required("windows", "a table of four times", table_of)?;
        let policy = plan.required("policy", "a table with a preset or a name", table_of)?;
        let requirements = plan.optional("requirements", "a table", table_of)?;
        Ok(Self {
            path: path.to_owned(),
            mode,
            issuer,
            exam,
            assistants,
            check_code: if check_code == Some(true) {
                CheckCode::Compared
            } else {
                CheckCode::Skipped
            },
            windows: read_windows(windows)?,
            policy: read_policy(&policy)?,
            requirements: requirements.map_or(Ok(USUAL), read_requirements)?,
        })
    }

    /// The plan, if the primary's clock shows `now` while its wall clock shows
    /// `wall_ms`.
    ///
    /// # Errors
    /// [`PlanFileError`] if the times are impossible, or too late to get ready.
    pub fn plan(&self, now: Instant<Primary>, wall_ms: i64) -> Result<Plan, PlanFileError> {
        let named = |problem| PlanFileError { path: self.path.clone(), problem };
        let [wait_open, wait_close, answer_start, answer_end] =
            self.windows.map(|when| when.instant(now, wall_ms));
        let windows = Windows { wait_open, wait_close, answer_start, answer_end };
        let plan = Plan::new(self.mode, self.issuer, self.assistants, windows, self.requirements);
        let plan = plan.map_err(|error| {
            let field = match error {
                PlanError::Order { .. } | PlanError::TooLong { .. } => "windows",
                PlanError::Assistants { .. } => "assistants",
                PlanError::Battery { .. } => "requirements.battery_percent",
            };
            let times =
                if field == "windows" { as_times(&windows, now, wall_ms) } else { String::new() };
            named(Problem::Impossible { field, error, times })
        })?;
        let ago = now - wait_close;
        if ago >= Span::ZERO {
            return Err(named(Problem::Past { ago: crate::command::length(ago) }));
        }
        Ok(plan)
    }

    /// What fails the exam.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Which exam, as codes carry it.
    #[must_use]
    pub const fn exam(&self) -> ExamTag {
        self.exam
    }

    /// How many assistants take part.
    #[must_use]
    pub const fn assistants(&self) -> u8 {
        self.assistants
    }

    /// Whether both screens show six digits to compare.
    #[must_use]
    pub const fn check_code(&self) -> CheckCode {
        self.check_code
    }
}

/// Reads a policy: the name of a preset, or a TOML file with the fields of a
/// plan's `[policy]`.
///
/// # Errors
/// [`PlanFileError`] names the field, what was expected and what came.
pub fn load_policy(path: &Path) -> Result<Policy, PlanFileError> {
    if let Some(preset) = PRESETS.iter().find(|preset| Path::new(preset) == path)
        && let Ok(policy) = Policy::preset(preset)
    {
        return Ok(policy);
    }
    let named = |problem| PlanFileError { path: path.to_owned(), problem };
    if !path.exists() {
        return Err(named(Problem::NoPolicy { presets: PRESETS.join(", ") }));
    }
    let parsed = read(path).and_then(|text| table(&text));
    parsed.and_then(|table| read_policy(&table)).map_err(named)
}

/// The four times of a plan, to be compared with what was meant.
fn as_times(windows: &Windows, now: Instant<Primary>, wall_ms: i64) -> String {
    let at = |instant: Instant<Primary>| {
        utc(wall_ms.saturating_add((instant - now).nanos().div_euclid(1_000_000)))
    };
    let Windows { wait_open, wait_close, answer_start, answer_end } = *windows;
    format!(
        "\n  waiting    {} to {}\n  answering  {} to {}",
        at(wait_open),
        at(wait_close),
        at(answer_start),
        at(answer_end)
    )
}

fn read(path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(Problem::Syntax { line: 1, reason: "not text in UTF-8".into() })
        }
        Err(error) => Err(Problem::Unreadable(error)),
        Ok(_) if text.len() as u64 > LONGEST => Err(Problem::TooLong { most: LONGEST }),
        Ok(_) => Ok(text),
    }
}

fn table(text: &str) -> Result<Table, Problem> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let reason = bare_word(text, line)
            .unwrap_or_else(|| error.message().lines().collect::<Vec<_>>().join(" "));
        Problem::Syntax { line, reason }
    })
}

/// What a value should have been that is a word without quotes, as people write `yes`.
fn bare_word(text: &str, line: usize) -> Option<String> {
    let (_, value) = text.lines().nth(line.checked_sub(1)?)?.split_once('=')?;
    let word = value.split('#').next().unwrap_or_default().trim();
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == '_' || c == '-');
    plain.then(|| match word {
        "yes" | "on" | "Yes" | "On" | "True" | "TRUE" => format!("{word} is written true"),
        "no" | "off" | "No" | "Off" | "False" | "FALSE" => format!("{word} is written false"),
        other => format!("a text is written in quotes, \"{other}\""),
    })
}

fn table_of(value: &Value) -> Option<Table> {
    value.as_table().cloned()
}

fn read_windows(table: Table) -> Result<[When; 4], Problem> {
    let mut section = Section::new("windows.", table, &WINDOWS)?;
    let mut field = |name| section.required(name, when::EXPECTED, When::read);
    let [wait_open, wait_close, answer_start, answer_end] = WINDOWS;
    Ok([field(wait_open)?, field(wait_close)?, field(answer_start)?, field(answer_end)?])
}

fn read_policy(table: &Table) -> Result<Policy, Problem> {
    let mut fields = Vec::new();
    for (name, value) in table {
        let field = match value {
            Value::String(text) => Field::Text(text),
            Value::Integer(number) => Field::Integer(*number),
            Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_) => {
                return Err(Problem::Value {
                    field: format!("policy.{name}"),
                    expected: "a text or a whole number",
                    got: shown(value),
                });
            }
        };
        fields.push((name.as_str(), field));
    }
    Policy::from_fields(fields).map_err(Problem::Policy)
}

fn read_requirements(table: Table) -> Result<Requirements, Problem> {
    let mut section = Section::new("requirements.", table, &REQUIREMENTS)?;
    let percent = |value: &Value| u8::try_from(value.as_integer()?).ok().filter(|p| *p <= 100);
    let battery = section.optional("battery_percent", "a number from 0 to 100", percent)?;
    let charger = section.optional("charger", "true or false", Value::as_bool)?;
    let bytes = section.optional("bytes_per_second", "a number of bytes", |value| {
        u32::try_from(value.as_integer()?).ok()
    })?;
    let heat = section.optional("heat", "\"normal\", \"warm\" or \"hot\"", |value| {
        Some(match value.as_str()? {
            "normal" => Heat::Normal,
            "warm" => Heat::Warm,
            "hot" => Heat::Hot,
            _ => return None,
        })
    })?;
    let permissions = section.optional(
        "permissions",
        "a list of camera, microphone, local_network, notifications, storage",
        read_permissions,
    )?;
    Ok(Requirements {
        battery_percent: battery.unwrap_or(USUAL.battery_percent),
        charger: if charger == Some(true) { Switch::On } else { USUAL.charger },
        bytes_per_second: bytes.unwrap_or(USUAL.bytes_per_second),
        heat: heat.unwrap_or(USUAL.heat),
        permissions: permissions.unwrap_or(USUAL.permissions),
    })
}

fn read_permissions(value: &Value) -> Option<Permissions> {
    let mut all = Permissions::default();
    for name in value.as_array()? {
        all = all.with(match name.as_str()? {
            "camera" => Permissions::CAMERA,
            "microphone" => Permissions::MICROPHONE,
            "local_network" => Permissions::LOCAL_NETWORK,
            "notifications" => Permissions::NOTIFICATIONS,
            "storage" => Permissions::STORAGE,
            _ => return None,
        });
    }
    Some(all)
}

#[cfg(test)]
mod tests;
