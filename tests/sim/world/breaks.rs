//! Connections that break at one chosen message, and apps that die at it.

use diptych_protocol::machine::Lost;

use super::script::{Break, What};
use super::{Happening, World};

impl World {
    /// Whether the connection breaks at this message, so that it does not arrive.
    pub(super) fn breaks_at(&mut self, sender: usize, id: u64) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        let assistant = connection.assistant;
        let number = &mut self.devices[assistant].messages;
        *number += 1;
        let number = *number;
        let due = |index: &usize| match self.scenario.steps.get(*index).map(|step| &step.what) {
            Some(What::BreakAt { who, message, how, lasting })
                if (*who, *message) == (assistant, number) =>
            {
                Some((*index, *how, *lasting))
            }
            _ => None,
        };
        let Some((index, how, lasting)) = self.breaks.iter().find_map(due) else { return false };
        self.breaks.retain(|other| *other != index);
        self.note(|| format!("-- message {number} of {assistant} breaks its connection: {how:?}"));
        let receiver = if sender == 0 { assistant } else { 0 };
        match how {
            Break::Silent | Break::Told => {
                self.paths[assistant].breaks(self.now, lasting);
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.broken = true;
                }
                if how == Break::Told {
                    for end in [0, 1] {
                        let lost = Lost::Reset;
                        self.at(self.now + 1, Happening::Gone { connection: id, end, lost });
                    }
                }
            }
            Break::Unsent | Break::Sent => {
                self.devices[sender].doom = Some(0);
                self.at(self.now + lasting.nanos(), Happening::Return(index));
            }
            Break::Unheard => {
                self.dies(receiver);
                self.at(self.now + lasting.nanos(), Happening::Return(index));
            }
        }
        how != Break::Sent
    }
}
