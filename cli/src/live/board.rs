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
