//! The app around a machine: does what it is asked, like an app that works.

use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::clock::Estimate;
use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::{ExamTag, Label, Role, sha256};
use diptych_protocol::plan::{Mode, Phase, Plan, Windows};
use diptych_protocol::primary::{self, CheckCode, PrimaryMachine};
use diptych_protocol::secondary::{self, Consent, SecondaryMachine};
use diptych_protocol::secret::Entropy;
use diptych_protocol::session::Refused;
use diptych_protocol::ticket::Ticket;
use diptych_protocol::time::Instant;

use super::brain::{Act, Brain, Told, seat_of};
use super::device::FRAGMENT;
use super::key::proctor;
use super::{Happening, World};
use crate::dice::{Dice, Law};
use diptych_protocol::time::Span;

/// Before a user tries again.
const AGAIN: i64 = 1_000_000_000;

impl World {
    /// The app of a device starts, with what its disk holds.
    pub(super) fn start(&mut self, who: usize) {
        if self.devices[who].brain.is_some() {
            return;
        }
        self.note(|| format!("{who}: starts"));
        self.sound_returns(who);
        let now = self.devices[who].clock.reading(self.now);
        let brain = if who == 0 { self.start_primary(now) } else { self.start_assistant(who, now) };
        match brain {
            Ok(brain) => {
                // The last run may have died before it was told.
                for seat in brain.taken(now) {
                    if who == 0 {
                        self.wishes.open.remove(&seat);
                    } else {
                        self.take_seat(who, seat);
                    }
                }
                if let Some(tally) = brain.tally(now) {
                    self.tally = tally;
                }
                self.devices[who].brain = Some(brain);
                self.drain(who);
                if self.devices[who].scanning.is_some() && self.devices[who].seat.is_none() {
                    self.at(self.now + AGAIN, Happening::Rescan { who });
                }
            }
            Err(error) => self.fail(format!("device {who} cannot start: {error}")),
        }
    }

    fn entropy(&self, who: usize) -> Entropy {
        let name = format!("entropy {} {who} {}", self.scenario.seed, self.devices[who].run);
        Entropy::new(sha256(name.as_bytes()))
    }

    fn wall_ms(&self) -> i64 {
        1_767_225_600_000 + self.now / 1_000_000
    }

    pub(super) fn addresses(&self) -> Addresses {
        let address = self.devices[0].address;
        Addresses::new(&[Address::new(address.ip())], address.port(), Loopback::Allowed).unwrap()
    }

    /// The plan on the primary's clock of this boot.
    fn plan(&self) -> Plan {
        let clock = self.devices[0].clock;
        let [open, close, end] = self.scenario.plan;
        let at = |truth: Span| Instant::from_nanos(clock.reading(truth.nanos()));
        let windows = Windows {
            wait_open: at(open),
            wait_close: at(close),
            answer_start: at(close),
            answer_end: at(end),
        };
        let requirements = Requirements {
            battery_percent: 20,
            charger: Switch::Off,
            bytes_per_second: 0,
            heat: Heat::Hot,
            permissions: Permissions(0),
        };
        let issuer = Label::new("Academy").unwrap();
        Plan::new(Mode::Mock, issuer, self.scenario.assistants, windows, requirements).unwrap()
    }

    fn start_primary(&mut self, now: i64) -> Result<Brain, String> {
        let setup = primary::Setup {
            plan: self.plan(),
            policy: self.scenario.policy,
            proctors: vec![proctor()],
            exam: ExamTag([3; 8]),
            label: Label::new("front").unwrap(),
            addresses: Some(self.addresses()),
            check_code: CheckCode::Skipped,
            signer: Box::new(self.devices[0].key.clone()),
            boot: self.devices[0].boot(self.scenario.seed, 0),
            wall_ms: self.wall_ms(),
            last_exit: self.devices[0].last_exit,
            entropy: self.entropy(0),
            past: self.devices[0].disk.past().map_err(|e| e.to_string())?,
        };
        let machine = PrimaryMachine::new(setup, Instant::from_nanos(now));
        machine.map(|machine| Brain::Primary(Box::new(machine))).map_err(|e| e.to_string())
    }

    fn start_assistant(&mut self, who: usize, now: i64) -> Result<Brain, String> {
        let setup = secondary::Setup {
            label: Label::new("behind").unwrap(),
            signer: Box::new(self.devices[who].key.clone()),
            boot: self.devices[who].boot(self.scenario.seed, who),
            wall_ms: self.wall_ms(),
            last_exit: self.devices[who].last_exit,
            entropy: self.entropy(who),
            past: self.devices[who].disk.past().map_err(|e| e.to_string())?,
        };
        let machine = SecondaryMachine::new(setup, Instant::from_nanos(now));
        machine.map(|machine| Brain::Assistant(Box::new(machine))).map_err(|e| e.to_string())
    }

    /// A command of the primary's user.
    pub(super) fn lead(&mut self, command: primary::Command) -> bool {
        let now = self.devices[0].clock.reading(self.now);
        let Some(brain) = &mut self.devices[0].brain else { return false };
        let done = brain.lead(now, command);
        self.drain(0);
        done.is_ok()
    }

    /// A command of an assistant's user.
    pub(super) fn follow(&mut self, who: usize, command: secondary::Command) -> bool {
        let now = self.devices[who].clock.reading(self.now);
        let Some(brain) = &mut self.devices[who].brain else { return false };
        let done = brain.follow(now, command);
        self.drain(who);
        done.is_ok()
    }

    pub(super) fn act(&mut self, who: usize, act: Act) -> bool {
        self.tell(who, act) == Some(Ok(()))
    }

    /// What the protocol answers an app that runs.
    fn tell(&mut self, who: usize, act: Act) -> Option<Result<(), Refused>> {
        let now = self.devices[who].clock.reading(self.now);
        let brain = self.devices[who].brain.as_mut()?;
        let done = brain.host(now, act.clone());
        if let Err(refused) = done {
            self.note(|| format!("{who}: {act:?} refused: {refused}"));
        }
        self.drain(who);
        Some(done)
    }

    /// The user scans, also with a device whose seat may not be one after all.
    pub(super) fn scan_again(&mut self, who: usize) {
        let former = self.devices[who].seat.take();
        if !self.scan(who) && self.devices[who].seat.is_none() {
            self.devices[who].seat = former;
        }
    }

    /// The user holds the assistant before whatever code is shown. Whether it takes one.
    pub(super) fn scan(&mut self, who: usize) -> bool {
        let Some(seat) = self.devices[who].scanning else { return false };
        if self.devices[who].seat.is_some() || self.devices[who].over {
            return false;
        }
        let ticket = self.shown.get(&seat).map(|text| Ticket::parse(text, Loopback::Allowed));
        match ticket {
            Some(Ok(ticket)) => {
                self.note(|| format!("{who}: scans the code of seat {seat}"));
                let taken = self.follow(who, secondary::Command::Scanned(Box::new(ticket)));
                self.follow(who, secondary::Command::Consent(Consent::Given));
                return taken;
            }
            Some(Err(error)) => self.fail(format!("the code cannot be read: {error}")),
            None => self.at(self.now + AGAIN, Happening::Rescan { who }),
        }
        false
    }

    /// An app was told something.
    pub(super) fn told(&mut self, who: usize, told: Told) {
        self.leave_trail(who, &told);
        if !matches!(
            &told,
            Told::Primary(primary::Event::Clock { .. } | primary::Event::Ticket { .. })
                | Told::Assistant(secondary::Event::Clock(_))
        ) {
            self.note(|| format!("{who}: {told:?}"));
            self.told.push((self.now, who, told.clone()));
        }
        match told {
            Told::Primary(event) => self.primary_told(event),
            Told::Assistant(event) => self.assistant_told(who, event),
        }
    }

    /// A run of the same seed leaves the same trail, to the nanosecond of every
    /// estimate.
    fn leave_trail(&mut self, who: usize, told: &Told) {
        let mut fold = |number: u64| self.trail = Dice::keyed(self.trail, number, 0).bits();
        fold(self.now.cast_unsigned());
        fold(who as u64);
        match told {
            Told::Primary(primary::Event::Clock { estimate, .. })
            | Told::Assistant(secondary::Event::Clock(estimate)) => {
                let Estimate { offset, low, high, sigma, noise, skew_ppb } = estimate;
                for span in [offset, low, high, sigma, noise] {
                    fold(span.nanos().cast_unsigned());
                }
                fold(skew_ppb.cast_unsigned());
            }
            other => format!("{other:?}").bytes().for_each(|byte| fold(byte.into())),
        }
    }

    fn primary_told(&mut self, event: primary::Event) {
        if self.devices[0].over {
            let after = !matches!(
                event,
                primary::Event::Link { .. }
                    | primary::Event::Clock { .. }
                    | primary::Event::Tally(_)
            );
            // A new run of the app knows nothing: it is told once more. [SESSION-30]
            let anew = matches!(event, primary::Event::Finished { .. })
                && self.devices[0].over_in != Some(self.devices[0].run);
            if after && !anew {
                self.fail(format!("the primary tells {event:?} after the end"));
            }
        }
        match event {
            primary::Event::Ticket { role, text, .. } => {
                self.shown.insert(role.number(), text);
            }
            primary::Event::TicketWithdrawn { role } => {
                self.shown.remove(&role.number());
            }
            primary::Event::Paired { role, .. } => {
                self.wishes.open.remove(&role.number());
            }
            primary::Event::StartRecording { take } => {
                self.wishes.begin = false;
                self.start_camera(0, take);
            }
            primary::Event::Phase(Phase::Ended) => {
                self.wishes.ended = Some(self.devices[0].run);
            }
            primary::Event::StopRecording => {
                (self.wishes.finish, self.wishes.ended) = (false, None);
                self.stopped.get_or_insert(self.now);
                self.stop_camera(0);
            }
            primary::Event::Finished { .. } => {
                (self.wishes.finish, self.wishes.ended) = (false, None);
                self.devices[0].over = true;
                self.devices[0].over_in = Some(self.devices[0].run);
            }
            primary::Event::Tally(tally) => self.tally = tally,
            primary::Event::Link { role, state } => {
                if let Some(who) = self.in_seat(role) {
                    self.link_is(who, state);
                }
            }
            primary::Event::Clock { role, estimate } => {
                if let Some(who) = self.in_seat(role) {
                    self.check_estimate(0, who, &estimate);
                }
            }
            _ => {}
        }
    }

    /// The device that last took a seat and was not sent away.
    pub(super) fn in_seat(&self, role: Role) -> Option<usize> {
        let seat = u8::try_from(seat_of(role)).ok();
        let stays = |who: &usize| {
            let device = &self.devices[*who];
            device.seat == seat && (device.finished || !device.over)
        };
        (1..self.devices.len()).rev().find(stays)
    }

    fn assistant_told(&mut self, who: usize, event: secondary::Event) {
        match event {
            secondary::Event::Paired { role, .. } => self.take_seat(who, role.number()),
            secondary::Event::PairingFailed(_) => {
                // It may have held itself for paired.
                let device = &mut self.devices[who];
                device.scanning = device.seat.take().or(device.scanning);
                self.watch[who].paired = false;
                self.at(self.now + AGAIN, Happening::Rescan { who });
            }
            secondary::Event::StartRecording { take } => self.start_camera(who, take),
            secondary::Event::StopRecording => self.stop_camera(who),
            secondary::Event::Finished(ending) => {
                self.devices[who].over = true;
                self.devices[who].finished = ending == secondary::Ending::Finished;
                self.stop_quietly(who);
            }
            secondary::Event::Clock(estimate) => self.check_estimate(who, who, &estimate),
            // A link to a primary with two pasts is never LIVE again. [SESSION-36]
            secondary::Event::Alarm(CloseCode::HistoryChanged) => self.watch[who].paired = false,
            _ => {}
        }
    }

    fn take_seat(&mut self, who: usize, seat: u8) {
        self.devices[who].seat = Some(seat);
        self.devices[who].scanning = None;
        self.watch[who].paired = true;
    }

    /// A camera takes a moment to start.
    fn start_camera(&mut self, who: usize, take: u32) {
        self.devices[who].camera.wanted = true;
        let run = self.devices[who].run;
        let moment = Law::Uniform { low: Span::from_millis(50), high: Span::from_millis(700) };
        let delay = self.dice.draw(moment).nanos();
        self.at(self.now + delay, Happening::Roll { who, run, take });
    }

    pub(super) fn roll(&mut self, who: usize, run: u32, take: u32) {
        if self.devices[who].run != run
            || self.devices[who].over
            || self.devices[who].brain.is_none()
            || !self.devices[who].camera.wanted
        {
            return;
        }
        if self.act(who, Act::Started { take, file: format!("{who}-{run}.mp4") }) {
            let camera = &mut self.devices[who].camera;
            camera.generation += 1;
            camera.since = Some(self.now);
            let generation = camera.generation;
            self.at(self.now + FRAGMENT, Happening::Frames { who, generation });
        }
    }

    /// A fragment is complete.
    pub(super) fn frames(&mut self, who: usize, generation: u64) {
        if self.devices[who].camera.generation != generation {
            return;
        }
        self.commit(who);
        self.at(self.now + FRAGMENT, Happening::Frames { who, generation });
    }

    /// What the encoder has is written to the recording and told.
    pub(super) fn commit(&mut self, who: usize) {
        let Some((first, last, frames)) = self.devices[who].camera.take(self.now) else { return };
        let device = &mut self.devices[who];
        let on_clock = |at| device.clock.reading(at);
        let act = Act::Committed { first: on_clock(first), last: on_clock(last), frames };
        device.camera.pending.push((first, last));
        let Some(Err(refused)) = self.tell(who, act) else { return };
        self.devices[who].camera.pending.pop();
        // An app whose storage failed was told that, and nothing after it; what a device
        // films that left is not part of the session.
        if !self.devices[who].disk.is_full() && refused != Refused::Over {
            self.fail(format!("device {who}: frames were refused"));
        }
    }

    fn stop_camera(&mut self, who: usize) {
        self.commit(who);
        self.stop_quietly(who);
        self.act(who, Act::Stopped);
    }

    fn stop_quietly(&mut self, who: usize) {
        self.devices[who].camera.stop();
    }
}
