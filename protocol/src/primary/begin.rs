//! How a primary comes to be: for the first time, or after a restart.
//!
//! A start after a crash is the ordinary start with more to read: what the journals say
//! is replayed into the same fields, and whatever a crash left half done is done again
//! from the stored members. Rejected: a snapshot of the running state on the disk (a
//! second truth beside the journal, that is wrong exactly after a crash), and to ask the
//! user whether to go on (cameras stand still until somebody answers).

use std::collections::BTreeMap;

use super::earlier::{Earlier, Shift};
use super::machine::{Course, PrimaryMachine};
use super::marks::Marks;
use super::seat::Seat;
use super::{CannotStart, Event, Setup};
use crate::fault::CloseCode;
use crate::identity::{Fingerprint, Role, SessionId, Signer};
use crate::journal::{Fact, Replayed};
use crate::limits;
use crate::liveness::LinkState;
use crate::machine::JournalName;
use crate::plan::Phase;
use crate::policy::{Proven, Tally};
use crate::report::statements;
use crate::secret::Entropy;
use crate::session::{
    Beginning, FaceGate, Local, Outbox, Past, Peer, SealDue, StartError, State, camera_of,
    clock_number, read, watch,
};
use crate::time::{Instant, Primary, Span};
use crate::timers::{Timer, Timers};

/// The primary's own journal.
const OWN: JournalName = JournalName { role: Role::PRIMARY, device: 1 };

impl PrimaryMachine {
    /// Starts, or goes on after a restart if `setup.past` has a session.
    ///
    /// # Errors
    /// [`CannotStart`] if what the disk holds is damaged or another session's.
    pub fn new(mut setup: Setup, now: Instant<Primary>) -> Result<Self, CannotStart> {
        let mut past = core::mem::take(&mut setup.past);
        let mut outbox = Outbox::new();
        let (state, local, replayed) =
            own_past(&mut past, setup.signer, &mut setup.entropy, &mut outbox)?;
        let clock = clock_number(replayed.as_ref());
        let beginning = replayed.as_ref().map(|replayed| Beginning::of(replayed, setup.boot));
        let camera =
            camera_of(Role::PRIMARY, watch(&setup.policy), beginning.as_ref(), setup.last_exit);
        let devices = devices(&past, &state, replayed.as_ref());
        let mut machine = Self {
            now,
            phase: setup.plan.phase_at(now),
            plan: setup.plan,
            policy: setup.policy,
            statements: stated(replayed.as_ref(), &setup.proctors),
            proctors: setup.proctors,
            exam: setup.exam,
            label: setup.label,
            check_code: setup.check_code,
            addresses: setup.addresses,
            boot: setup.boot,
            wall_offset: setup.wall_ms.saturating_sub(now.nanos() / 1_000_000),
            clock,
            entropy: setup.entropy,
            outbox,
            timers: Timers::default(),
            local,
            camera,
            marks: Marks::default(),
            stopped: None,
            ended: None,
            earlier: None,
            shift: Shift::NONE,
            past: Vec::new(),
            former: BTreeMap::new(),
            device: None,
            face: FaceGate::of(replayed.as_ref()),
            state,
            offers: BTreeMap::new(),
            shown: BTreeMap::new(),
            devices,
            seats: BTreeMap::new(),
            links: BTreeMap::new(),
            course: Course::Preparing,
            proven: false,
            judged_ready: false,
            not_ready: Vec::new(),
            tally: Tally::default(),
        };
        machine.first_records(now, setup.wall_ms, setup.last_exit);
        machine.take_seats(&past, replayed.as_ref(), now, setup.wall_ms)?;
        // Who is known by now is let in, and finds this device by its name.
        machine.show_codes();
        if let Some(beginning) = beginning {
            machine.go_on(now, &beginning);
        }
        machine.tell_phase();
        Ok(machine)
    }

    /// What every run of a process writes first.
    fn first_records(
        &mut self,
        now: Instant<Primary>,
        wall_ms: i64,
        last_exit: crate::ledger::Observed,
    ) {
        let (boot, cause, raw) = (self.boot, last_exit.cause.code(), last_exit.raw);
        let started = Fact::ProcessStarted { boot, wall_ms, cause, raw };
        self.local.write(now, &started, &mut self.outbox);
        self.marks.hear(now, Role::PRIMARY, &started);
        let plan = self.plan_record();
        self.local.write(now, &plan, &mut self.outbox);
        self.outbox.store(self.state.encode());
        let phase = self.phase;
        self.local.write(now, &Fact::Phase { phase: phase.number() }, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        self.timers.set(Timer::Heartbeat, Some(now + limits::HEARTBEAT_INTERVAL));
        self.timers.set(Timer::Phase, self.plan.next_change(now));
    }

    /// Whoever is a member has a seat and a copied journal. The members were stored
    /// first, so a crash may have come before the rest.
    fn take_seats(
        &mut self,
        past: &Past,
        own: Option<&Replayed>,
        now: Instant<Primary>,
        wall_ms: i64,
    ) -> Result<(), CannotStart> {
        let mut copies = BTreeMap::new();
        for name in past.journals.keys().filter(|name| **name != OWN) {
            let member = self.state.members.iter().any(|member| member.name == *name);
            match read(past, *name) {
                Ok((replayed, _)) => _ = copies.insert(*name, replayed),
                Err(error) if member => return Err(error),
                // The report says what a device that was put out has left.
                Err(_) => {}
            }
        }
        if let Some(own) = own {
            let known: Vec<Replayed> = [own].into_iter().chain(copies.values()).cloned().collect();
            let zero = Span::from_millis(wall_ms) - Span::from_nanos(now.nanos());
            self.earlier = Earlier::of(&known, (self.boot, zero), &self.policy, &self.statements);
        }
        for member in &self.state.members {
            let mut seat = if let Some(replayed) = copies.get(&member.name) {
                let peer = Peer::known(replayed, self.clock);
                let mut seat = Seat::new(peer, member.label, &self.policy, now);
                seat.read(replayed.entries());
                seat.placed_elsewhere();
                seat.will_remember();
                seat
            } else {
                let peer = Peer::paired(member.header(), self.clock, &mut self.outbox);
                Seat::new(peer, member.label, &self.policy, now)
            };
            seat.check_code = member.check_code;
            seat.cannot_return = own.and_then(|own| refused(own, member.name.role));
            let paired = member.fact();
            if own.is_some_and(|own| own.entries().iter().all(|entry| entry.fact != paired)) {
                self.local.write(now, &paired, &mut self.outbox);
            }
            self.seats.insert(member.name.role, seat);
        }
        self.local.settle(now, &mut self.outbox);
        Ok(())
    }

    /// The session goes on where the last run ended.
    fn go_on(&mut self, now: Instant<Primary>, beginning: &Beginning<Primary>) {
        // [SESSION-30]
        if beginning.finished {
            self.course = Course::Over;
            self.local.seal(now, SealDue::Now, &mut self.outbox);
            let incomplete = self.incomplete();
            self.outbox.settled().event(Event::Finished { incomplete });
            self.timers.set(Timer::Closing, Some(now + limits::HANDOVER_TIME));
            return self.recount(now);
        }
        // Whoever was not there when the waiting window closed leaves the answer to
        // the report.
        self.judged_ready = self.phase > Phase::Waiting;
        // [SESSION-25]
        if beginning.stopped {
            return self.begin_closing(now);
        }
        if let Some(take) = beginning.recording {
            self.course = Course::Recording { take };
            // [SESSION-22]
            self.outbox.settled().event(Event::StartRecording { take });
        }
        for role in self.roles() {
            self.tell_shut_out(role);
        }
        if self.face.demands() {
            self.outbox.settled().event(Event::VerifyAgain);
        }
        self.recount(now);
    }
}

/// The last device that was in each seat, of whatever is left of it: a number that came
/// twice would be two devices in one journal. `[SESSION-23]`
fn devices(past: &Past, state: &State, own: Option<&Replayed>) -> BTreeMap<Role, u8> {
    let copied = past.journals.keys().map(|name| (name.role, name.device));
    let seated = state.members.iter().map(|member| (member.name.role, member.name.device));
    let replaced = own.into_iter().flat_map(Replayed::entries).filter_map(|entry| {
        if let Fact::DeviceReplaced { role, device, .. } = entry.fact {
            Some((role, device))
        } else {
            None
        }
    });
    let mut devices = BTreeMap::new();
    for (role, device) in copied.chain(seated).chain(replaced) {
        let last = devices.entry(role).or_insert(device);
        *last = device.max(*last);
    }
    devices
}

/// This device's part of the session: the one on the disk, or a new one.
fn own_past(
    past: &mut Past,
    signer: Box<dyn Signer>,
    entropy: &mut Entropy,
    outbox: &mut Outbox<Primary, Event>,
) -> Result<(State, Local<Primary>, Option<Replayed>), CannotStart> {
    // The power may go between the first state and the first record.
    let begun = |state: &State| !state.members.is_empty() || past.journals.contains_key(&OWN);
    let Some(state) = past.state.take().filter(begun) else {
        let session = SessionId(entropy.draw());
        let local = Local::create(session, OWN, signer, outbox);
        return Ok((State::new(session, OWN), local, None));
    };
    let (replayed, bytes) = read(past, OWN)?;
    let header = replayed.header();
    if header.session != state.session || header.key != signer.public_key() {
        return Err(StartError::Foreign);
    }
    let local = Local::resume(&replayed, bytes, signer);
    Ok((state, local, Some(replayed)))
}

/// Why the device in this seat was refused for good in an earlier run and nobody has
/// been connected or heard since. `[SESSION-39]`
#[expect(clippy::wildcard_enum_match_arm, reason = "five facts tell who was let in")]
fn refused(own: &Replayed, role: Role) -> Option<CloseCode> {
    let (mut refused, mut link) = (None, LinkState::Down.number());
    for entry in own.entries() {
        match &entry.fact {
            Fact::Paired { peer, .. } | Fact::PeerHead { peer, .. } if *peer == role => {
                refused = None;
            }
            Fact::Link { peer, state, .. } if *peer == role => {
                link = *state;
                if link <= LinkState::CatchingUp.number() {
                    refused = None;
                }
            }
            Fact::ForkSeen { peer, .. } if *peer == role => {
                refused = Some(CloseCode::HistoryChanged);
            }
            // Beside the device itself it was a copy.
            Fact::CloneSuspected { role: seat, .. }
                if *seat == role && link > LinkState::CatchingUp.number() =>
            {
                refused = Some(CloseCode::CloneSuspected);
            }
            _ => {}
        }
    }
    refused
}

/// What was stated before, as far as it is proven now.
fn stated(own: Option<&Replayed>, proctors: &[Fingerprint]) -> Vec<Proven> {
    let journals = own.map(core::slice::from_ref).unwrap_or_default();
    statements(journals, proctors).into_iter().flatten().collect()
}
