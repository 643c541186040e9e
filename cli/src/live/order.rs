//! What somebody can ask of a primary while it runs, in words.
//!
//! There are two things that only people can decide during an exam: that a device is
//! gone for good and another takes its seat, and that a proctor's word counts. A code
//! that is always open would ask nobody, and let anybody in.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use diptych_protocol::identity::Role;
use diptych_protocol::policy::STATEMENT_BYTES;

/// The words there are.
const WORDS: &str = "expected `replace A1` (another device takes the seat of A1), `keep A1` (no, \
                     it does not) or `statement FILE` (a proctor has signed something)";

/// Something that was typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Show a code for a seat that is taken.
    Replace(Role),
    /// Show it no more.
    Keep(Role),
    /// Take the statement in a file.
    Statement(PathBuf),
}

impl Order {
    /// Reads a line; an empty one orders nothing. Where there is one assistant it
    /// need not be named.
    ///
    /// # Errors
    /// What can be typed instead.
    pub(super) fn of(line: &str, assistants: u8) -> Result<Option<Self>, String> {
        if let Some(file) = line.trim().strip_prefix("statement ").map(str::trim) {
            return Ok(Some(Self::Statement(file.into())));
        }
        let mut words = line.split_whitespace();
        let Some(verb) = words.next() else { return Ok(None) };
        let of = match verb {
            "replace" | "r" => Self::Replace,
            "keep" | "k" => Self::Keep,
            _ => return Err(format!("{WORDS}, got {verb:?}")),
        };
        let seat = words.next();
        if let Some(more) = words.next() {
            return Err(format!("{WORDS}, got {more:?} after it"));
        }
        let number = match seat {
            None if assistants == 1 => Some(1),
            None => {
                return Err(format!(
                    "expected the name of a seat after {verb}: A1 to A{assistants}"
                ));
            }
            Some(seat) => seat.strip_prefix(['A', 'a']).unwrap_or(seat).parse::<u8>().ok(),
        };
        let role = number
            .filter(|number| (1..=assistants).contains(number))
            .and_then(|number| Role::new(number).ok());
        let role = role.ok_or_else(|| {
            format!("expected a seat from A1 to A{assistants}, got {:?}", seat.unwrap_or_default())
        })?;
        Ok(Some(of(role)))
    }
}

/// The bytes of a statement's file, and at most one more.
pub(super) fn read_statement(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let longest = STATEMENT_BYTES as u64 + 1;
    std::fs::File::open(path)?.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_named_where_there_is_more_than_one() {
        let [first, second] = [1, 2].map(|number| Role::new(number).unwrap());
        assert_eq!(Order::of("replace A2", 2), Ok(Some(Order::Replace(second))));
        assert_eq!(Order::of(" r  a1 ", 2), Ok(Some(Order::Replace(first))));
        assert_eq!(Order::of("keep 1", 1), Ok(Some(Order::Keep(first))));
        assert_eq!(Order::of("r", 1), Ok(Some(Order::Replace(first))));
        assert_eq!(Order::of("", 1), Ok(None));
        let file = Order::Statement("my break.signed".into());
        assert_eq!(Order::of("statement my break.signed ", 1), Ok(Some(file)));
    }

    #[test]
    fn what_is_no_order_is_answered_with_what_is() {
        for (wrong, told) in [
            ("r", "A1 to A2"),
            ("replace P", "got \"P\""),
            ("replace A3", "from A1 to A2, got \"A3\""),
            ("replace A0", "got \"A0\""),
            ("replace A1 now", "got \"now\" after it"),
            ("remove A1", "expected `replace A1`"),
        ] {
            let error = Order::of(wrong, 2).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }
}
