//! How much a terminal shows.
//!
//! Asked anew whenever it matters, because people pull at windows. Rejected: a signal that says
//! so, and a variable of the environment, which is as old as the shell.

use std::io;
use std::os::fd::AsFd;

/// How much a terminal shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Characters in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl Window {
    /// What a terminal has that does not say.
    pub const USUAL: Self = Self { columns: 80, rows: 24 };

    /// That of the terminal at the other end of `stream`, if there is one.
    #[must_use]
    pub fn of(stream: impl AsFd) -> Option<Self> {
        let size = rustix::termios::tcgetwinsize(stream).ok()?;
        let (columns, rows) = (size.ws_col.into(), size.ws_row.into());
        Some(if columns > 0 && rows > 0 { Self { columns, rows } } else { Self::USUAL })
    }

    /// That of standard output.
    #[must_use]
    pub fn of_output() -> Self {
        Self::of(io::stdout()).unwrap_or(Self::USUAL)
    }

    /// That of standard error.
    #[must_use]
    pub fn of_errors() -> Self {
        Self::of(io::stderr()).unwrap_or(Self::USUAL)
    }
}
