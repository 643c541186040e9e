//! A few lines that stay at the bottom of a terminal and are always true.
//!
//! What happened scrolls by, what holds now stays. In a pipe or a file there is no
//! "stays", so there only the first kind is written, line by line. Rejected: a
//! full-screen program, which leaves nothing behind that could be scrolled back to
//! or sent to somebody.

use std::io::{self, Write};

/// Columns that every terminal has.
const COLUMNS: usize = 79;
/// Up one line, to its beginning, and everything below erased.
const ERASE_LINE_ABOVE: &str = "\x1b[1A\r\x1b[J";

/// A terminal, or something that is read later.
pub struct Screen<W> {
    out: W,
    kind: Kind,
    standing: Vec<String>,
}

/// What is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Somebody who watches.
    Terminal,
    /// A pipe or a file.
    Plain,
}

impl<W: Write> Screen<W> {
    /// A screen with nothing standing on it.
    pub const fn new(out: W, kind: Kind) -> Self {
        Self { out, kind, standing: Vec::new() }
    }

    /// What is at the other end.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Replaces the lines that stand. Does nothing in a pipe; a terminal that is
    /// gone is no reason to stop a recording.
    pub fn stand(&mut self, lines: Vec<String>) {
        if self.kind == Kind::Plain || lines == self.standing {
            return;
        }
        let _ = self.erase();
        self.standing = lines;
        let _ = self.draw();
    }

    fn erase(&mut self) -> io::Result<()> {
        for _ in &self.standing {
            self.out.write_all(ERASE_LINE_ABOVE.as_bytes())?;
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        for line in &self.standing {
            let line: String = line.chars().take(COLUMNS).collect();
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }
}

/// What is written scrolls by above the lines that stand.
impl<W: Write> Write for Screen<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.erase()?;
        let standing = core::mem::take(&mut self.standing);
        self.out.write_all(text)?;
        self.standing = standing;
        if text.ends_with(b"\n") {
            self.draw()?;
        } else {
            // The rest of the line is still to come.
            self.standing.clear();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: Kind) -> String {
        let mut screen = Screen::new(Vec::new(), kind);
        screen.stand(vec!["link LIVE".to_owned()]);
        screen.write_all(b"A1: paired\n").unwrap();
        screen.stand(vec!["link LATE".to_owned(), "x".repeat(100)]);
        String::from_utf8(screen.out).unwrap()
    }

    #[test]
    fn in_a_pipe_nothing_stands() {
        assert_eq!(written(Kind::Plain), "A1: paired\n");
    }

    #[test]
    fn in_a_terminal_standing_lines_are_drawn_again_below_and_fit_80_columns() {
        let text = written(Kind::Terminal);
        let expected = format!(
            "link LIVE\n{ERASE_LINE_ABOVE}A1: paired\nlink LIVE\n{ERASE_LINE_ABOVE}link LATE\n{}\n",
            "x".repeat(COLUMNS)
        );
        assert_eq!(text, expected);
    }
}
