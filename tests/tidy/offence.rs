//! What a rule found, and how a test says so.

use core::fmt;

/// One breach of one rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Offence {
    /// File, relative to the repository.
    pub(crate) path: String,
    /// Line, from 1; 0 where the file as a whole offends.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

impl Offence {
    /// An offence at a line.
    pub(crate) fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }

    /// An offence of a whole file.
    pub(crate) fn of(path: &str, what: impl Into<String>) -> Self {
        Self::at(path, 0, what)
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails the calling test if there are offences, naming them all.
#[track_caller]
pub(crate) fn none(offences: &[Offence]) {
    let list: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} offence(s):\n  {}", list.len(), list.join("\n  "));
}

/// Fails the calling test unless exactly one offence was found and its text
/// contains `part`.
#[track_caller]
pub(crate) fn one(offences: &[Offence], part: &str) {
    let list: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(
        list.len() == 1 && list.iter().all(|text| text.contains(part)),
        "expected one offence about {part:?}, found {list:#?}"
    );
}
