//! A few lines that stay at the bottom of a terminal and are always true.
//!
//! What happened scrolls by, what holds now stays. In a pipe or a file there is no
//! "stays", so there the first kind is written line by line, and the second as a line now
//! and then (`pace`). In a terminal both break between words. Rejected: a full-screen
//! program, which leaves nothing behind that could be scrolled back to or sent to somebody.

use std::io::{self, IsTerminal, Write};

use super::life::say;
use super::pace::Pace;
use super::since::Since;
use crate::window::Window;

/// Up one line, to its beginning, and everything below erased.
const ERASE_LINE_ABOVE: &str = "\x1b[1A\r\x1b[J";
/// What stands before the rest of a line that was broken.
const INDENT: &str = "    ";
/// Fewer columns than this are no window that is read.
const NARROWEST: usize = 20;

/// A terminal, or something that is read later.
pub struct Screen<W> {
    out: W,
    kind: Kind,
    window: fn() -> Window,
    /// A line that scrolls by and is not ended yet.
    begun: Vec<u8>,
    standing: Vec<String>,
    /// How many columns each row of them fills that was drawn, and the window then.
    drawn: (Vec<usize>, Window),
    /// When what would stand is written where nothing does.
    pace: Pace,
    opened: Since,
}

/// What is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Somebody who watches.
    Terminal,
    /// A pipe or a file.
    Plain,
}

impl Kind {
    fn of(stream: &impl IsTerminal) -> Self {
        if stream.is_terminal() { Self::Terminal } else { Self::Plain }
    }
}

/// The rows that lines take in a window where none may wrap: broken between words, and never
/// so many that what was drawn could not be erased.
fn rows(window: Window, lines: &[String]) -> Vec<String> {
    let width = width(window);
    let rows = lines.iter().flat_map(|line| broken(line, width));
    rows.take(window.rows.saturating_sub(1).max(1)).collect()
}

/// The characters of a row. The last column is left free: some terminals wrap when it is
/// filled.
fn width(window: Window) -> usize {
    window.columns.max(NARROWEST).saturating_sub(1)
}

/// What becomes of a word that no row holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Long {
    /// It is cut, so that each row is one.
    Cut,
    /// It stays whole, and the terminal wraps it: a ticket or a path that is copied from
    /// there must come out as one.
    Whole,
}

/// A line in rows of at most `width` characters.
fn broken(line: &str, width: usize) -> Vec<String> {
    in_rows(line, width, Long::Cut)
}

/// A line that scrolls by, in rows. One that draws something is no text to be broken.
fn scrolled(line: &str, width: usize) -> Vec<String> {
    if line.contains('\x1b') || line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    in_rows(line, width, Long::Whole)
}

fn in_rows(line: &str, width: usize, long: Long) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let mut word: Vec<char> = word.chars().collect();
        while let Some(row) = rows.last_mut() {
            let filled = row.chars().count();
            let shown = word.iter().rposition(|letter| *letter != ' ').map_or(0, |last| last + 1);
            if filled + shown <= width {
                row.extend(word.iter().take(width.saturating_sub(filled)));
                break;
            }
            // A word that no row holds is cut or left whole, every other one moves to the
            // next row.
            if shown > width - INDENT.len() {
                if long == Long::Whole {
                    row.extend(word);
                    break;
                }
                row.extend(word.drain(..width.saturating_sub(filled)));
            }
            rows.push(INDENT.to_owned());
        }
    }
    rows.into_iter().map(|row| row.trim_end().to_owned()).collect()
}

impl<W: Write> Screen<W> {
    /// A screen with nothing standing on it; `window` says how large it is now.
    pub fn new(out: W, kind: Kind, window: fn() -> Window) -> Self {
        let drawn = (Vec::new(), Window::USUAL);
        let (begun, standing, pace) = (Vec::new(), Vec::new(), Pace::default());
        Self { out, kind, window, begun, standing, drawn, pace, opened: Since::now() }
    }

    /// The one that writes to standard output.
    pub fn of_output(out: W) -> Self {
        Self::new(out, Kind::of(&io::stdout()), Window::of_output)
    }

    /// The one that writes to standard error.
    pub fn of_errors(out: W) -> Self {
        Self::new(out, Kind::of(&io::stderr()), Window::of_errors)
    }

    /// Whether somebody could be told now what holds: always in a terminal, and in a log as
    /// often as it is looked at there.
    pub fn wants(&mut self) -> bool {
        self.kind == Kind::Terminal || self.pace.looks(self.opened.passed())
    }

    /// How much it shows now, if somebody watches.
    pub fn window(&self) -> Option<Window> {
        (self.kind == Kind::Terminal).then(self.window)
    }

    /// Rows that the standing lines take now.
    pub const fn standing(&self) -> usize {
        self.drawn.0.len()
    }

    /// Replaces the lines that stand; in a log they are one line now and then. A terminal
    /// that is gone is no reason to stop a recording.
    pub fn stand(&mut self, lines: Vec<String>) {
        let Some(window) = self.window() else {
            if let Some(line) = self.pace.line(&lines, self.opened.passed()) {
                say(self, &line);
            }
            return;
        };
        if lines == self.standing && window == self.drawn.1 {
            return;
        }
        let _ = self.erase();
        self.standing = lines;
        let _ = self.draw();
    }

    /// Somebody ended a line below those that stand. The terminal has shown it and moved on,
    /// so that it is one row more to be erased; where nothing stands it just scrolls by.
    pub fn echoed(&mut self) {
        if !self.drawn.0.is_empty() {
            self.drawn.0.push(0);
        }
    }

    fn erase(&mut self) -> io::Result<()> {
        // A window that became narrower has broken the rows that were drawn.
        let columns = (self.window)().columns.max(1);
        let rows: usize = self.drawn.0.drain(..).map(|long| long.div_ceil(columns).max(1)).sum();
        for _ in 0..rows {
            self.out.write_all(ERASE_LINE_ABOVE.as_bytes())?;
        }
        Ok(())
    }

    /// Writes what scrolls by, in rows of the window as it is now.
    fn scroll(&mut self, text: &[u8]) -> io::Result<()> {
        self.erase()?;
        let width = width((self.window)());
        for line in String::from_utf8_lossy(text).split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            write!(self.out, "{}{end}", scrolled(line, width).join("\n"))?;
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        let window = (self.window)();
        let rows = rows(window, &self.standing);
        for row in &rows {
            writeln!(self.out, "{row}")?;
        }
        self.drawn = (rows.iter().map(|row| row.chars().count()).collect(), window);
        self.out.flush()
    }
}

/// What is written scrolls by above the lines that stand.
impl<W: Write> Write for Screen<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.kind == Kind::Plain {
            return self.out.write(text);
        }
        self.begun.extend(text);
        // Where a line breaks is known once it is whole.
        if let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') {
            let whole: Vec<u8> = self.begun.drain(..=end).collect();
            self.scroll(&whole)?;
            if self.begun.is_empty() {
                self.draw()?;
            }
        }
        Ok(text.len())
    }

    /// A line that is not ended is shown as well, and nothing below it: it is a question.
    fn flush(&mut self) -> io::Result<()> {
        let asked = core::mem::take(&mut self.begun);
        if !asked.is_empty() {
            self.scroll(&asked)?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wide() -> Window {
        Window { columns: 40, rows: 10 }
    }

    fn written(kind: Kind) -> String {
        let mut screen = Screen::new(Vec::new(), kind, wide);
        screen.stand(vec!["link LIVE".to_owned()]);
        screen.write_all(b"A1: paired\n").unwrap();
        screen.stand(vec!["link LATE".to_owned()]);
        screen.write_all(b"really? ").unwrap();
        screen.write_all(b"yes\n").unwrap();
        String::from_utf8(screen.out).unwrap()
    }

    #[test]
    fn in_a_pipe_nothing_stands() {
        assert_eq!(written(Kind::Plain), "A1: paired\nreally? yes\n");
    }

    #[test]
    fn in_a_terminal_standing_lines_are_drawn_again_below() {
        let expected = format!(
            "link LIVE\n{ERASE_LINE_ABOVE}A1: paired\nlink LIVE\n{ERASE_LINE_ABOVE}link LATE\n\
             {ERASE_LINE_ABOVE}really? yes\nlink LATE\n"
        );
        assert_eq!(written(Kind::Terminal), expected);
    }

    fn shown_in(columns: usize, line: &str) -> Vec<String> {
        // What a window is asked for is a function, so that a test has one for each width.
        let window: fn() -> Window = match columns {
            40 => || Window { columns: 40, rows: 24 },
            60 => || Window { columns: 60, rows: 24 },
            _ => || Window { columns: 80, rows: 24 },
        };
        let mut screen = Screen::new(Vec::new(), Kind::Terminal, window);
        writeln!(screen, "{line}").unwrap();
        String::from_utf8(screen.out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_scrolls_by_breaks_between_words_with_a_hanging_indent() {
        let line = "A1: it cannot come back; type `replace A1` and scan with another phone, or \
                    with the same one after its app was installed anew";
        for columns in [40, 60, 80] {
            let rows = shown_in(columns, line);
            assert!(rows.iter().all(|row| row.chars().count() < columns), "{rows:?}");
            assert!(rows.len() > 1 && rows[1..].iter().all(|row| row.starts_with(INDENT)));
            let told: Vec<&str> = rows.iter().map(|row| row.trim_start()).collect();
            assert_eq!(told.join(" "), line);
        }
        assert_eq!(shown_in(80, "  P   recording"), ["  P   recording"]);
    }

    #[test]
    fn what_is_copied_or_drawn_stays_in_one_piece() {
        let ticket = format!("or: diptych secondary --ticket diptych:{}", "7".repeat(270));
        assert_eq!(shown_in(60, &ticket), [ticket.as_str()]);
        let path = format!("what was recorded is in /{} and stays there", "long".repeat(20));
        assert_eq!(shown_in(60, &path).len(), 2);
        let drawn = format!("\x1b[38;5;16;48;5;231m{}\x1b[0m", "█ ".repeat(24));
        assert_eq!(shown_in(60, &drawn), [drawn.as_str()]);
    }

    #[test]
    fn a_question_is_shown_before_it_is_answered() {
        let mut screen = Screen::new(Vec::new(), Kind::Terminal, wide);
        screen.stand(vec!["link LIVE".to_owned()]);
        write!(screen, "The code asks:\nlend this camera? ").unwrap();
        screen.flush().unwrap();
        let expected = format!("link LIVE\n{ERASE_LINE_ABOVE}The code asks:\nlend this camera? ");
        assert_eq!(String::from_utf8(screen.out).unwrap(), expected);
    }

    #[test]
    fn a_line_that_was_typed_leaves_no_old_line_standing() {
        let mut screen = Screen::new(Vec::new(), Kind::Terminal, wide);
        screen.echoed();
        screen.stand(vec!["link LIVE".to_owned()]);
        // The terminal has shown `y` and gone to the next row.
        screen.echoed();
        screen.write_all(b"A1: the same\n").unwrap();
        let expected =
            format!("link LIVE\n{ERASE_LINE_ABOVE}{ERASE_LINE_ABOVE}A1: the same\nlink LIVE\n");
        assert_eq!(String::from_utf8(screen.out).unwrap(), expected);
    }

    #[test]
    fn nothing_that_stands_is_lost_or_wraps_in_a_narrow_window() {
        let line = "A1  LIVE, LOST for 12 s, 108 s left, 1234 frames, clock ±0.021 ms, \
                    check code 012345"
            .to_owned();
        for columns in [30, 40, 60, 71, 72, 80, 200] {
            let rows = rows(Window { columns, rows: 24 }, std::slice::from_ref(&line));
            assert!(rows.iter().all(|row| row.chars().count() < columns), "{columns}: {rows:?}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&rows.join(" ")), words(&line), "{columns}");
        }
        let long = "x".repeat(100);
        let cut = rows(Window { columns: 40, rows: 24 }, &[long]);
        assert_eq!(cut.iter().map(|row| row.chars().count()).max(), Some(39));
        let many = vec!["a".to_owned(); 50];
        assert_eq!(rows(Window { columns: 40, rows: 10 }, &many).len(), 9);
    }
}
