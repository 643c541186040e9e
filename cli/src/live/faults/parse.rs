//! Reads a script of faults, and says where and how it is not one.

use core::fmt;
use std::time::Duration;

use diptych_protocol::identity::Role;

use super::super::station::Away;
use super::{Action, Fault, Faults};

/// Faults of the longest script.
const MOST: usize = 64;
/// The latest second at which anything is done.
const LATEST: u64 = 3_600;
/// A process needs this long to be gone and back, so a shorter kill would not say
/// what is true.
const SHORTEST_KILL: Duration = Duration::from_secs(3);

/// Where a script is not one, and what belongs there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, got {got}")]
pub struct FaultsError {
    /// Of the script, from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What belongs there.
    pub expected: &'static str,
    /// What stands there.
    pub got: String,
}

/// Reads a script.
///
/// # Errors
/// [`FaultsError`] for the first line that is no fault.
pub fn parse(text: &str) -> Result<Faults, FaultsError> {
    let mut faults: Vec<Fault> = Vec::new();
    for (line, number) in text.lines().zip(1_usize..) {
        let line = line.split('#').next().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let mut words = Words { line, number, at: 0 };
        if faults.len() >= MOST {
            return Err(words.wrong("at most 64 faults", "one more"));
        }
        let fault = words.fault()?;
        let before = faults.last().map_or(Duration::ZERO, |last| last.at);
        if fault.at < before {
            return Err(Words { line, number, at: 0 }
                .wrong("faults in the order of their times", line.trim()));
        }
        faults.push(fault);
    }
    Ok(Faults(faults))
}

/// The words of one line.
struct Words<'a> {
    line: &'a str,
    number: usize,
    /// Bytes that were read.
    at: usize,
}

impl<'a> Words<'a> {
    fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// The next word, and where it begins; empty at the end of the line.
    fn next(&mut self) -> (&'a str, usize) {
        let rest = self.rest();
        let begin = self.at.saturating_add(rest.len().saturating_sub(rest.trim_start().len()));
        let word = rest.split_whitespace().next().unwrap_or_default();
        self.at = begin.saturating_add(word.len());
        (word, begin)
    }

    fn wrong(&self, expected: &'static str, got: impl fmt::Display) -> FaultsError {
        self.wrong_at(self.at, expected, &got.to_string())
    }

    fn wrong_at(&self, byte: usize, expected: &'static str, got: &str) -> FaultsError {
        let before = self.line.get(..byte).unwrap_or(self.line).chars().count();
        let got =
            if got.is_empty() { "the end of the line".to_owned() } else { format!("{got:?}") };
        FaultsError { line: self.number, column: before.saturating_add(1), expected, got }
    }

    fn word<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, FaultsError> {
        let (word, begin) = self.next();
        read(word).ok_or_else(|| self.wrong_at(begin, expected, word))
    }

    fn literal(&mut self, word: &'static str) -> Result<(), FaultsError> {
        let expected = match word {
            "at" => "`at`",
            "off" => "`off`",
            "left" => "`left`",
            "for" => "`for` and a length such as 3s",
            _ => "`down`",
        };
        self.word(expected, |got| (got == word).then_some(()))
    }

    fn fault(&mut self) -> Result<Fault, FaultsError> {
        self.literal("at")?;
        let at = self.word("a time after the start of answering, such as 6s or 500ms", time)?;
        let whom = self.word("P, A1 or `link`", |word| match word {
            "P" => Some(Some(Role::PRIMARY)),
            "A1" => Role::new(1).ok().map(Some),
            "link" => Some(None),
            _ => None,
        })?;
        let Some(role) = whom else {
            self.literal("down")?;
            return self.lasting(at, Action::LinkDown, Duration::ZERO);
        };
        let (word, begin) = self.next();
        match word {
            "camera" => {
                self.literal("off")?;
                self.lasting(at, Action::Away(Away::Camera, role), Duration::ZERO)
            }
            "sound" => {
                self.literal("off")?;
                self.lasting(at, Action::Away(Away::Sound, role), Duration::ZERO)
            }
            "screen" if role.is_primary() => {
                self.literal("left")?;
                self.lasting(at, Action::Away(Away::Screen, role), Duration::ZERO)
            }
            "screen" => Err(self.wrong_at(begin, "P, the only one with an exam's screen", word)),
            "kill" => self.lasting(at, Action::Kill(role), SHORTEST_KILL),
            "sleep" => self.lasting(at, Action::Sleep(role), Duration::ZERO),
            "roam" => {
                self.end()?;
                Ok(Fault { at, action: Action::Roam(role), length: Duration::ZERO })
            }
            _ => Err(self.wrong_at(
                begin,
                "`camera off`, `sound off`, `screen left`, `kill`, `sleep` or `roam`",
                word,
            )),
        }
    }

    fn lasting(
        &mut self,
        at: Duration,
        action: Action,
        least: Duration,
    ) -> Result<Fault, FaultsError> {
        self.literal("for")?;
        let (word, begin) = self.next();
        let length = time(word).ok_or_else(|| {
            self.wrong_at(begin, "a length such as 3s or 500ms, at most 3600s", word)
        })?;
        if length < least {
            return Err(self.wrong_at(
                begin,
                "at least 3s, for a process to be gone and back",
                word,
            ));
        }
        self.end()?;
        Ok(Fault { at, action, length })
    }

    fn end(&mut self) -> Result<(), FaultsError> {
        self.word("the end of the line", |word| word.is_empty().then_some(()))
    }
}

/// `6s` or `500ms`.
fn time(word: &str) -> Option<Duration> {
    let (digits, of): (&str, fn(u64) -> Duration) = match word.strip_suffix("ms") {
        Some(digits) => (digits, Duration::from_millis),
        None => (word.strip_suffix('s')?, Duration::from_secs),
    };
    let number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| number)?;
    Some(of(number)).filter(|time| *time <= Duration::from_secs(LATEST))
}
