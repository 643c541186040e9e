//! The code on the primary's terminal, for as long as it can be scanned there.
//!
//! A code needs more rows than many windows have, and half a code scans as none. So where it
//! does not fit, the window's size is told with the one that is needed, and it is drawn as
//! soon as the window is large enough. Rejected: a smaller drawing (there is none that two
//! modules in a character are not), and trusting people to see that the rim is missing.

use std::io::Write;
use std::time::Duration;

use super::fail::LiveFail;
use super::invitation;
use super::life::say;
use super::screen::Screen;
use super::since::Since;
use crate::qr::Code;
use crate::window::Window;

/// A window that is being pulled is drawn into when it has been left alone for so long.
const STEADY: Duration = Duration::from_millis(400);
/// The rows below a code: what to compare, two lines of what happens next, and the cursor.
const BELOW: usize = 4;
/// The fewest lines that stand below those, in a session of two devices.
const STANDING: usize = 3;

/// What is on show.
#[derive(Default)]
pub(super) struct Board {
    /// The text of the code, and the window that it was shown in.
    shown: Option<(String, Option<Window>)>,
    /// Since when the window has another size.
    pulled: Option<(Window, Since)>,
}

impl Board {
    /// Shows the code of `text`.
    pub(super) fn show<W: Write>(
        &mut self,
        text: &str,
        out: &mut Screen<W>,
    ) -> Result<(), LiveFail> {
        let window = out.window();
        say(out, &format!("or: diptych secondary --ticket {text}"));
        let code = Code::new(text)?;
        let below = BELOW + out.standing().max(STANDING);
        match window.and_then(|window| code.lacks(window, below)) {
            None => say(out, code.terminal().trim_end()),
            Some(lacks) => say(out, &format!("{lacks}, or start with --qr-png FILE")),
        }
        if let Some(marks) = invitation::beside(text) {
            say(out, &marks);
        }
        (self.shown, self.pulled) = (Some((text.to_owned(), window)), None);
        Ok(())
    }

    /// There is nothing to be scanned any more.
    pub(super) fn clear(&mut self) {
        self.shown = None;
    }

    /// Shows the code again where the window has another size now.
    pub(super) fn look<W: Write>(&mut self, out: &mut Screen<W>) -> Result<(), LiveFail> {
        let Some((text, Some(before))) = &self.shown else { return Ok(()) };
        let Some(now) = out.window().filter(|now| now != before) else { return Ok(()) };
        match &self.pulled {
            Some((same, since)) if *same == now => {
                if since.passed() >= STEADY {
                    let text = text.clone();
                    self.show(&text, out)?;
                }
            }
            Some(_) | None => self.pulled = Some((now, Since::now())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::live::screen::Kind;

    static ROWS: AtomicUsize = AtomicUsize::new(20);

    fn pulled() -> Window {
        Window { columns: 80, rows: ROWS.load(Ordering::SeqCst) }
    }

    #[test]
    fn a_code_that_does_not_fit_is_drawn_once_the_window_is_large_enough() {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Kind::Terminal, pulled);
        let mut board = Board::default();
        board.show(&format!("diptych:{}", "7".repeat(270)), &mut screen).unwrap();
        ROWS.store(50, Ordering::SeqCst);
        let pulled = Since::now();
        while board.pulled.is_some() || pulled.passed() < STEADY {
            board.look(&mut screen).unwrap();
        }
        board.look(&mut screen).unwrap();
        drop(screen);
        let told = String::from_utf8(out).unwrap();
        let (small, large) = told.split_once("needs a window of 49 columns and 32 rows").unwrap();
        assert!(!small.contains('▀') && large.matches('▀').count() > 100, "{told}");
        assert_eq!(large.matches("or: diptych secondary").count(), 1, "{told}");
    }

    #[test]
    fn in_a_pipe_a_code_is_always_drawn() {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Kind::Plain, || Window { columns: 1, rows: 1 });
        Board::default().show("diptych:0123456789", &mut screen).unwrap();
        assert!(String::from_utf8(out).unwrap().contains('▀'));
    }
}
