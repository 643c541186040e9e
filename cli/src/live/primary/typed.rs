//! What was typed at a primary, done.
//!
//! Apart from what it is read as (`order.rs`), because this needs a session.

use std::io::Write;

use diptych_driver::embed::Failure;
use diptych_protocol::primary::Command;

use super::Lead;
use crate::live::fail::LiveFail;
use crate::live::life::say;
use crate::live::order::{Order, read_statement};

impl Lead<'_> {
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
