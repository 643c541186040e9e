//! A table of a TOML file, read field by field.
//!
//! Rejected: deriving the reader. A derived one stops at a type's name where a
//! person needs the field, what belongs there and what came instead.

use toml::{Table, Value};

use super::error::Problem;

/// A table whose fields are taken out one by one.
pub(super) struct Section {
    /// What stands before a field's name: empty, or the table's name and a dot.
    prefix: String,
    table: Table,
}

impl Section {
    /// Takes a table that may hold the fields `known` and no other.
    pub(super) fn new(prefix: &str, table: Table, known: &[&str]) -> Result<Self, Problem> {
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                Err(Problem::Unknown { field: format!("{prefix}{key}"), known: known.join(", ") })
            }
            None => Ok(Self { prefix: prefix.to_owned(), table }),
        }
    }

    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.table.remove(field)
    }

    /// The field, read by `read`; `None` if it is not there.
    pub(super) fn optional<T>(
        &mut self,
        field: &str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.take(field) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| Problem::Value {
            field: format!("{}{field}", self.prefix),
            expected,
            got: shown(&value),
        })
    }

    /// The field, read by `read`, which has to be there.
    pub(super) fn required<T>(
        &mut self,
        field: &str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Problem> {
        let missing = Problem::Missing { field: format!("{}{field}", self.prefix), expected };
        self.optional(field, expected, read)?.ok_or(missing)
    }
}

/// A value as it may stand in an error message.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        Value::Table(_) => "a table".into(),
        Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_) => value.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
