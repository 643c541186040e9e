//! The script's steps, and their ends.

use diptych_protocol::ledger::{Cause, Observed};
use diptych_protocol::machine::{Input, JournalName};
use diptych_protocol::policy::{SignedStatement, Statement};
use diptych_protocol::primary;
use diptych_protocol::secondary;

use diptych_protocol::identity::Role;
use diptych_protocol::time::Span;

use super::brain::{Act, Brain, span};
use super::device::{Device, address};
use super::key::Key;
use super::script::{Failure, Said, What};
use super::{Happening, World};

/// Operations from a sync that was a lie to the loss of power.
const LIE: u64 = 12;

impl World {
    pub(super) fn step(&mut self, index: usize) {
        let Some(step) = self.scenario.steps.get(index).cloned() else { return };
        self.note(|| format!("-- {:?}", step.what));
        match step.what {
            What::Open { seat } => {
                self.wishes.open.insert(seat);
                self.ask();
            }
            What::Scan { who, seat } => {
                self.devices[who].scanning = Some(seat);
                self.scan_again(who);
            }
            What::Begin => self.wishes.begin = true,
            What::Finish => self.wishes.finish = true,
            What::CameraOff { who, lasting, said } => {
                self.camera_goes(who, said);
                self.ends_after(lasting, index);
            }
            What::SoundOff { who, lasting } => {
                self.sound_goes(who);
                self.ends_after(lasting, index);
            }
            What::Announced { who, longest } => self.announces(who, longest.nanos()),
            What::ScreenLeft { lasting } if self.devices[0].brain.is_some() => {
                let until = self.now + lasting.nanos();
                self.leaves_screen(until);
                self.at(until, Happening::Return(index));
            }
            What::ScreenLeft { .. } => {}
            What::Kill { who, lasting } => {
                self.devices[who].doom = Some(self.dice.bits() % 8);
                self.ends_after(lasting, index);
            }
            What::PowerLoss { who, lasting } => {
                self.loses_power(who);
                self.ends_after(lasting, index);
            }
            What::Fails { who, operation, how, .. } => {
                self.devices[who].fate = Some((operation, how, index));
            }
            // The path knows its outages from the beginning.
            What::Outage { lasting, .. } => self.ends_after(lasting, index),
            What::Move { who } => self.moves_to(who),
            What::Sleep { who, lasting, .. } => {
                self.devices[who].asleep_until = self.now + lasting.nanos();
                self.ends_after(lasting, index);
            }
            What::DiskFull { who } => self.devices[who].disk.fill(),
            What::NoRoom { who, lasting } => {
                self.runs_out_of_room(who);
                self.ends_after(lasting, index);
            }
            What::Remove { seat } => {
                if let Ok(role) = Role::new(seat) {
                    self.lead(primary::Command::Remove { role });
                }
            }
            What::Stated(statement) => self.stated(statement),
            What::Clone { of, who, after } => {
                self.clone_device(of, who);
                self.ends_after(after, index);
            }
            What::BreakAt { .. } => self.breaks.push(index),
            What::Gone { who } => self.dies(who),
            What::Leave { who } => {
                self.follow(who, secondary::Command::Leave);
            }
        }
    }

    fn ends_after(&mut self, lasting: Span, index: usize) {
        self.at(self.now + lasting.nanos(), Happening::Return(index));
    }

    /// The recording ends with the room that is left.
    fn runs_out_of_room(&mut self, who: usize) {
        self.commit(who);
        self.devices[who].camera.stop();
        self.devices[who].disk.fill();
    }

    fn stated(&mut self, statement: Statement) {
        let Some(session) = self.devices[0].brain.as_ref().and_then(Brain::session) else { return };
        let signed = SignedStatement::sign(session, statement, &mut Key::proctor()).unwrap();
        if !self.lead(primary::Command::Statement(signed.to_bytes())) {
            self.fail(format!("{statement:?} was refused"));
        }
    }

    pub(super) fn step_ends(&mut self, index: usize) {
        let Some(step) = self.scenario.steps.get(index).cloned() else { return };
        self.note(|| format!("-- end of {:?}", step.what));
        match step.what {
            What::CameraOff { who, said, .. } => self.camera_returns(who, said),
            What::SoundOff { who, .. } => {
                let told = self.act(who, Act::SoundBack);
                if told {
                    self.sound_returns(who);
                }
            }
            What::ScreenLeft { .. } => {
                self.act(0, Act::ScreenBack);
            }
            What::Kill { who, .. } => {
                if self.devices[who].doom.is_some() {
                    self.dies(who);
                }
                self.start(who);
            }
            What::NoRoom { who, .. } => {
                self.devices[who].disk.empty();
                self.dies(who);
                self.devices[who].last_exit = Observed { cause: Cause::StorageFull, raw: 0 };
                self.start(who);
            }
            What::Clone { who, .. } => self.start(who),
            What::BreakAt { who, .. } => {
                self.start(0);
                self.start(who);
            }
            What::PowerLoss { who, .. } | What::Fails { who, .. } => {
                let now = self.now;
                self.devices[who].reboot(now, &mut self.dice);
                self.start(who);
            }
            What::Sleep { who, lasting, miscount } => {
                let now = self.now;
                let counted = self.devices[who].wakes(now, lasting.nanos(), miscount.nanos());
                if let Some(since) = &mut self.devices[who].camera.since {
                    *since = now;
                }
                self.feed(who, Input::Slept { span: span(counted) });
            }
            _ => {}
        }
    }

    /// Storage fails here, if this operation is the one that was named.
    pub(super) fn fails(&mut self, who: usize, journal: Option<JournalName>, bytes: &[u8]) -> bool {
        let device = &mut self.devices[who];
        let number = device.operations;
        device.operations += 1;
        let Some((operation, how, index)) = device.fate else { return false };
        let due = match how {
            // From the lie to the loss of power: a sync and what it made possible.
            Failure::LostSync if number == operation => {
                device.disk.lie();
                return false;
            }
            Failure::LostSync => number == operation + LIE,
            Failure::Torn | Failure::Reordered | Failure::Full => number == operation,
        };
        if !due {
            return false;
        }
        device.fate = None;
        if how == Failure::Full {
            device.disk.fill();
            return false;
        }
        if let Some(journal) = journal {
            device.disk.tear(journal, bytes, &mut self.dice);
        }
        device.camera.lose_power();
        match how {
            Failure::Reordered => device.disk.lose_sectors(&mut self.dice),
            Failure::Torn | Failure::LostSync | Failure::Full => {
                device.disk.lose_power(&mut self.dice);
            }
        }
        self.dies(who);
        self.devices[who].last_exit = Observed { cause: Cause::Reboot, raw: 0 };
        if let Some(What::Fails { lasting, .. }) =
            self.scenario.steps.get(index).map(|step| step.what.clone())
        {
            self.ends_after(lasting, index);
        }
        true
    }

    fn loses_power(&mut self, who: usize) {
        let device = &mut self.devices[who];
        device.camera.lose_power();
        device.disk.lose_power(&mut self.dice);
        self.dies(who);
        self.devices[who].last_exit = Observed { cause: Cause::Reboot, raw: 0 };
    }

    pub(super) fn dies(&mut self, who: usize) {
        self.note(|| format!("{who}: dies"));
        let device = &mut self.devices[who];
        device.camera.synced(device.disk.is_lying());
        device.die();
        device.last_exit = Observed { cause: Cause::OsKill, raw: 9 };
        self.watch[who].live = false;
        if who == 0 {
            self.shown.clear();
            self.watch.iter_mut().for_each(|watch| watch.live = false);
        }
    }

    fn camera_goes(&mut self, who: usize, said: Said) {
        if self.devices[who].camera.since.is_none() {
            return;
        }
        self.commit(who);
        self.devices[who].camera.off = true;
        if let Said::Cause(cause) = said {
            self.act(who, Act::CameraLost(Observed { cause, raw: 1 }));
        }
    }

    fn camera_returns(&mut self, who: usize, said: Said) {
        let now = self.now;
        let camera = &mut self.devices[who].camera;
        camera.off = false;
        if let Some(since) = &mut camera.since {
            *since = now;
            if said != Said::Nothing {
                self.act(who, Act::CameraBack);
            }
        }
    }

    fn leaves_screen(&mut self, until: i64) {
        self.devices[0].camera.away.push((self.now, until));
        self.act(0, Act::ScreenLeft(Observed { cause: Cause::Background, raw: 0 }));
    }

    fn sound_goes(&mut self, who: usize) {
        if self.act(who, Act::SoundLost(Observed { cause: Cause::MicTaken, raw: 0 })) {
            self.devices[who].camera.silent.push((self.now, None));
        }
    }

    fn announces(&mut self, who: usize, longest: i64) {
        if self.act(who, Act::Announced(span(longest))) {
            self.devices[who].camera.announced.push((self.now, self.now + longest));
        }
    }

    /// The app has the microphone, as one that was just started has.
    pub(super) fn sound_returns(&mut self, who: usize) {
        if let Some((_, until)) = self.devices[who].camera.silent.last_mut() {
            until.get_or_insert(self.now);
        }
    }

    fn moves_to(&mut self, who: usize) {
        self.moves += 1;
        self.devices[who].address = address(who, self.moves);
        if who == 0 {
            self.break_all();
            for watch in &mut self.watch {
                watch.cut = watch.live.then_some(self.now);
                watch.fine = None;
            }
            let addresses = self.addresses();
            self.feed(0, Input::NetworkChanged);
            self.lead(primary::Command::Addresses(addresses));
        } else {
            self.watch[who].fine = None;
            self.migrate(who);
            self.feed(who, Input::NetworkChanged);
        }
    }

    fn clone_device(&mut self, of: usize, who: usize) {
        let mut copy = Device::new(self.scenario.seed, who);
        let original = &self.devices[of];
        copy.key = original.key.clone();
        copy.disk = original.disk.clone();
        copy.own = original.own;
        copy.run = 1_000;
        self.devices[who] = copy;
    }

    /// What the users still want, they ask for again.
    pub(super) fn ask(&mut self) {
        if !self.devices[0].is_running(self.now) || self.devices[0].over {
            return;
        }
        for seat in self.wishes.open.clone() {
            if let Ok(role) = Role::new(seat)
                && !self.shown.contains_key(&seat)
            {
                self.lead(primary::Command::OpenPairing { role });
            }
        }
        // An app that died knows only what it is told again.
        let finish = self.wishes.finish || self.wishes.ended == Some(self.devices[0].run);
        if self.wishes.begin && !finish {
            self.lead(primary::Command::Begin);
        }
        if finish {
            self.lead(primary::Command::Finish);
        }
    }
}
