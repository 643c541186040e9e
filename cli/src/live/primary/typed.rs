//! What was typed at a primary, done.
//!
//! Apart from what it is read as (`order.rs`), because this needs a session. Whoever is asked
//! about digits answers by a line as well. Rejected: waiting for that answer, for an exam does
//! not wait: it has to end, and to tell of its cameras, while nobody is at the desk.

use std::io::Write;

use diptych_driver::embed::Failure;
use diptych_protocol::identity::Role;
use diptych_protocol::primary::{Command, Compared};

use super::Lead;
use crate::live::fail::LiveFail;
use crate::live::life::say;
use crate::live::order::{Order, read_statement};
use crate::live::prompt::{Heard, agrees, echo};
use crate::live::screen::Screen;

impl Lead<'_> {
    /// Asks whether both screens show the same digits.
    pub(super) fn ask_about(&mut self, role: Role, code: u32, out: &mut dyn Write) {
        if !self.asked.contains(&role) {
            say(out, &format!("does the screen of {role} show {code:06}? [y/N]"));
            self.asked.push_back(role);
        }
    }

    /// Asks once more what the run before was not told: nothing is recorded without it, and
    /// no event says it again. `[PAIRING-32]`
    pub(super) fn ask_again(&mut self, out: &mut dyn Write) -> Result<(), LiveFail> {
        for seat in self.snapshot()?.seats {
            if let Some(code) = seat.check_code {
                self.ask_about(seat.role, code, out);
            }
        }
        Ok(())
    }

    /// Does what was typed, or takes it for the answer to what was asked first.
    pub(super) fn listen<W: Write>(&mut self, out: &mut Screen<W>) -> Result<(), LiveFail> {
        let heard = self.desk.heard();
        if heard == Heard::Nothing || (heard == Heard::Closed && self.asked.is_empty()) {
            return Ok(());
        }
        // A device that left meanwhile has no digits to compare any more.
        let seats = self.snapshot()?.seats;
        let open = |role| seats.iter().any(|seat| seat.role == role && seat.check_code.is_some());
        self.asked.retain(|role| open(*role));
        let asked = self.asked.pop_front();
        match (heard, asked) {
            (Heard::Line(line), None) => {
                echo(out);
                self.order(&line, out)
            }
            (Heard::Line(line), Some(role)) => {
                echo(out);
                self.compared(role, agrees(&line), out)
            }
            // Where nobody can answer, the two do not show the same.
            (Heard::Closed, Some(role)) => self.compared(role, false, out),
            (Heard::Nothing | Heard::Closed, _) => Ok(()),
        }
    }

    /// Takes the answer, and goes on with the next seat.
    fn compared(&mut self, role: Role, same: bool, out: &mut dyn Write) -> Result<(), LiveFail> {
        let (compared, told) = if same {
            (Compared::Same, "both screens show the same")
        } else {
            (Compared::Different, "put out: its screen was not said to show the same")
        };
        match self.device.ask(Command::CheckCode { role, compared }) {
            Ok(()) => say(out, &format!("{role}: {told}")),
            Err(Failure::Refused { refused }) => say(out, &format!("{role}: {refused}")),
            Err(other) => return Err(other.into()),
        }
        self.next_seat(out)
    }

    /// Does what was typed. `[SESSION-23]`
    pub(super) fn order(&mut self, line: &str, out: &mut dyn Write) -> Result<(), LiveFail> {
        let order = match Order::of(line, self.assistants) {
            Ok(Some(order)) => order,
            Ok(None) => return Ok(()),
            Err(wrong) => {
                say(out, &wrong);
                return Ok(());
            }
        };
        let (command, told) = match order {
            Order::Replace(role) => {
                let seats = self.snapshot()?.seats;
                if seats.iter().any(|seat| seat.role == role && seat.label.is_some()) {
                    self.replacing.insert(role);
                }
                let told = format!(
                    "{role}: whoever scans this takes the seat, and the device in it is put out; \
                     `keep {role}` takes the code away"
                );
                (Command::OpenPairing { role }, told)
            }
            Order::Keep(role) if self.replacing.remove(&role) => {
                (Command::ClosePairing { role }, format!("{role}: stays"))
            }
            Order::Keep(role) => {
                say(out, &format!("{role}: nobody is about to replace it"));
                return Ok(());
            }
            Order::Statement(file) => match read_statement(&file) {
                Ok(signed) => {
                    (Command::Statement(signed), format!("{}: it counts", file.display()))
                }
                Err(error) => {
                    say(out, &format!("{}: {error}", file.display()));
                    return Ok(());
                }
            },
        };
        match self.device.ask(command) {
            Ok(()) => say(out, &told),
            Err(Failure::Refused { refused }) => say(out, &format!("{line}: {refused}")),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }
}
