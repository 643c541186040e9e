//! Carries out what a machine asks for, and holds it to the law meanwhile.

use diptych_protocol::identity::Role;
use diptych_protocol::machine::{Input, JournalName, Lane, LinkId};
use diptych_protocol::wire::{Control, HEADER, Kind, Timing};

use super::brain::Effect;
use super::device::Dialled;
use super::disk::DiskFull;
use super::{Happening, World};

impl World {
    /// Something happened to a device's app.
    pub(super) fn feed(&mut self, who: usize, input: Input<'_>) {
        let now = self.devices[who].clock.reading(self.now);
        let Some(brain) = &mut self.devices[who].brain else { return };
        brain.handle(now, input);
        self.drain(who);
    }

    /// Carries out every effect, in order, unless the app dies meanwhile.
    pub(super) fn drain(&mut self, who: usize) {
        let mut untold = false;
        let mut heard = Vec::new();
        loop {
            if self.is_doomed(who) {
                return;
            }
            let Some(brain) = &mut self.devices[who].brain else { return };
            match brain.poll() {
                effect @ (Effect::Append { .. } | Effect::Sync | Effect::Store(_)) => {
                    let Some(wrote) = self.write(who, effect) else { return };
                    // Only the first failure is news: after it the machine knows.
                    untold |= wrote.is_err() && !self.devices[who].storage_told;
                }
                Effect::Transmit { link, lane: Lane::Control, .. } if untold => {
                    self.close(who, link, diptych_protocol::fault::CloseCode::Internal);
                }
                Effect::Transmit { .. } | Effect::Event(_) if untold => {}
                Effect::Transmit { link, lane, bytes } => {
                    self.check_claim(who, link, lane, &bytes);
                    self.send(who, link, lane, &bytes);
                }
                Effect::Admit(admission) => self.devices[who].admission = admission,
                Effect::Announce(names) => self.devices[who].announced = names,
                Effect::Dial { peer, addresses, purpose, discovery } => {
                    let (number, since) = (0, self.now);
                    let dialled = Dialled { number, since, peer, addresses, purpose, discovery };
                    self.dial(who, dialled);
                }
                Effect::Close { link, code } => self.close(who, link, code),
                Effect::Event(told) => heard.push(told),
                Effect::Idle(_) if untold => {
                    untold = false;
                    self.devices[who].storage_told = true;
                    let now = self.devices[who].clock.reading(self.now);
                    if let Some(brain) = &mut self.devices[who].brain {
                        brain.handle(now, Input::StorageFailed);
                    }
                }
                Effect::Idle(wake) => {
                    self.devices[who].wake += 1;
                    if let Some(reading) = wake {
                        let device = &self.devices[who];
                        // A wake that lies behind is due now; a machine that asks
                        // for it forever would stop the world.
                        let at = device.clock.when(reading).max(self.now + 1);
                        let wake = device.wake;
                        self.at(at, Happening::Wake { who, wake });
                    }
                    break;
                }
            }
        }
        // An app answers when the machine has said everything.
        for told in heard {
            self.told(who, told);
        }
    }

    /// Carries out an effect on the disk; `None` if the device dies of it.
    fn write(&mut self, who: usize, effect: Effect) -> Option<Result<(), DiskFull>> {
        Some(match effect {
            Effect::Append { journal, bytes } => {
                if self.fails(who, Some(journal), &bytes) {
                    return None;
                }
                self.append(who, journal, &bytes)
            }
            Effect::Sync => {
                if self.fails(who, None, &[]) {
                    return None;
                }
                let device = &mut self.devices[who];
                let synced = device.disk.sync();
                if synced.is_ok() {
                    device.camera.synced(device.disk.is_lying());
                }
                synced
            }
            Effect::Store(state) => self.devices[who].disk.store(state),
            _ => Ok(()),
        })
    }

    fn append(&mut self, who: usize, journal: JournalName, bytes: &[u8]) -> Result<(), DiskFull> {
        let device = &mut self.devices[who];
        if (journal.role == Role::PRIMARY) == (who == 0) {
            device.own = Some(journal);
        }
        device.disk.append(journal, bytes)
    }

    /// Counts down to the death of an app in the middle of its work.
    fn is_doomed(&mut self, who: usize) -> bool {
        let device = &mut self.devices[who];
        match &mut device.doom {
            None => return false,
            Some(left) if *left > 0 => {
                *left -= 1;
                return false;
            }
            Some(_) => {}
        }
        // The write that was under way is cut somewhere.
        if let Some(Effect::Append { journal, bytes }) = device.brain.as_mut().map(|b| b.poll()) {
            device.disk.tear(journal, &bytes, &mut self.dice);
        }
        self.dies(who);
        true
    }

    /// Nothing is claimed that is not durable. `[SESSION-1]`
    fn check_claim(&mut self, who: usize, link: LinkId, lane: Lane, bytes: &[u8]) {
        let Some((head, body)) = bytes.split_at_checked(HEADER) else { return };
        let kind = head.first().copied().and_then(Kind::from_byte);
        let device = &self.devices[who];
        let own = device.own.map_or(0, |own| device.disk.durable(own));
        let (claimed, durable, what) = match (lane, kind) {
            (Lane::Timing, Some(Kind::Heartbeat)) => {
                let Ok(Timing::Heartbeat(beat)) = Timing::from_datagram(bytes) else { return };
                (beat.journal_sequence, own, "heartbeat")
            }
            (Lane::Control, Some(Kind::Journal)) => {
                let Ok(Control::Journal(part)) = Control::decode(Kind::Journal, body) else {
                    return;
                };
                (part.from_sequence(), own, "JOURNAL")
            }
            (Lane::Control, Some(Kind::Finished)) => {
                let Ok(Control::Finished(done)) = Control::decode(Kind::Finished, body) else {
                    return;
                };
                (done.sequence, own, "FINISHED")
            }
            (Lane::Control, Some(Kind::JournalHave)) => {
                let Ok(Control::JournalHave(have)) = Control::decode(Kind::JournalHave, body)
                else {
                    return;
                };
                let copy = self.peers_journal(who, link);
                let durable = copy.map_or(0, |name| self.devices[who].disk.durable(name));
                (have.sequence, durable, "JOURNAL_HAVE")
            }
            _ => return,
        };
        if claimed > durable {
            self.fail(format!(
                "device {who}: {what} claims record {claimed}, durable are {durable}"
            ));
        }
    }

    fn peers_journal(&self, who: usize, link: LinkId) -> Option<JournalName> {
        let id = self.devices[who].links.get(&link)?;
        let connection = self.connections.get(id)?;
        self.devices[connection.device(usize::from(who == 0))].own
    }
}
