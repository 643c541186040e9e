//! What the host asks of the primary, and what it tells it.
//!
//! A command is refused before anything has changed, or is carried out whole. Rejected:
//! taking every command and telling later that it came to nothing (a host that was
//! answered shows its person that it is done).

use super::machine::{Course, PrimaryMachine};
use super::{Command, Compared, Event};
use crate::address::Addresses;
use crate::fault::CloseCode;
use crate::identity::Role;
use crate::journal::{Blob, Fact};
use crate::ledger::{Cause, Observed};
use crate::limits;
use crate::machine::LinkId;
use crate::plan::Phase;
use crate::policy::SignedStatement;
use crate::session::{GateChange, HostFact, PutOut, Refused};
use crate::time::{Instant, Primary, Span};
use crate::wire::{self, Control};

impl PrimaryMachine {
    pub(super) fn obey(&mut self, now: Instant<Primary>, command: Command) -> Result<(), Refused> {
        // Whoever still lacks records has to find this device. [SESSION-30]
        if self.course == Course::Over && !matches!(command, Command::Addresses(_)) {
            return Err(Refused::Over);
        }
        match command {
            Command::OpenPairing { role } => self.open_pairing(now, role),
            Command::Prepare => self.prepare(now),
            Command::ClosePairing { role } => self.close_pairing(role),
            Command::CheckCode { role, compared } => self.compared(now, role, compared),
            Command::Addresses(addresses) => {
                self.readdress(now, &addresses);
                self.addresses = Some(addresses);
                Ok(())
            }
            Command::Begin => self.begin(now),
            Command::Host(fact) => self.told(now, &fact),
            Command::Statement(signed) => self.stated(now, &signed),
            Command::Remove { role } => self.remove(now, role),
            Command::Finish => self.finish(now),
        }
    }

    fn readdress(&mut self, now: Instant<Primary>, addresses: &Addresses) {
        for offer in self.offers.values_mut() {
            offer.readdress(now, addresses.clone(), &mut self.entropy);
        }
        self.show_codes();
        let update = Control::AddressUpdate(wire::AddressUpdate { addresses: addresses.clone() });
        for seat in self.seats.values() {
            if let Some(link) = seat.peer.link() {
                self.outbox.control(link, update.encode());
            }
        }
    }

    /// The system says that networks changed: codes and links are looked after at
    /// once. `[SESSION-19]`
    pub(super) fn network_changed(&mut self, now: Instant<Primary>) {
        self.local.write(now, &Fact::NetworkChanged {}, &mut self.outbox);
        for seat in self.seats.values_mut() {
            if seat.peer.link().is_some() {
                seat.peer.moved(now, &mut self.local, &mut self.outbox);
                seat.schedule.restart(now);
                seat.sought = Some(now);
            }
        }
        self.show_codes();
    }

    pub(super) fn slept(&mut self, now: Instant<Primary>, span: Span) {
        self.local.write(now, &Fact::Slept { span }, &mut self.outbox);
        for seat in self.seats.values_mut() {
            seat.peer.slept();
            seat.schedule.restart(now);
        }
    }

    /// Nothing is durable any more. `[SESSION-2]` What was to be told together with
    /// the write that failed was told to nobody, and an order to stop must not be
    /// lost with it. `[SESSION-38]`
    pub(super) fn storage_failed(&mut self) {
        if self.local.is_poisoned() {
            return;
        }
        self.local.poison();
        self.outbox.event(Event::StorageFailed);
        self.tell_phase();
        let films = !matches!(self.camera.state(), wire::Recording::Idle | wire::Recording::Ended);
        if self.course.is_closing() && films {
            self.outbox.event(Event::StopRecording);
        }
        if self.course == Course::Over {
            let incomplete = self.incomplete();
            self.outbox.event(Event::Finished { incomplete });
        }
    }

    /// To a host that may not have been told, or that knows of nothing any more: it ends
    /// the session when it hears that answering has ended. `[SESSION-41]`
    pub(super) fn tell_phase(&mut self) {
        if self.phase != Phase::Setup && !self.course.is_closing() {
            self.outbox.settled().event(Event::Phase(self.phase));
        }
    }

    fn compared(
        &mut self,
        now: Instant<Primary>,
        role: Role,
        compared: Compared,
    ) -> Result<(), Refused> {
        let seat = self.seats.get_mut(&role).ok_or(Refused::NotPaired)?;
        seat.check_code.ok_or(Refused::NothingToCompare)?;
        match compared {
            Compared::Same => {
                seat.check_code = None;
                let members = self.state.members.iter_mut();
                for member in members.filter(|member| member.name.role == role) {
                    member.check_code = None;
                }
                self.outbox.store(self.state.encode());
                if let Some(link) = seat.peer.link() {
                    let confirmed = Control::CheckCodeConfirmed(wire::CheckCodeConfirmed {});
                    self.outbox.control(link, confirmed.encode());
                }
                Ok(())
            }
            Compared::Different => self.put_out(now, role, CloseCode::CheckCodeMismatch),
        }
    }

    /// What is asked has to be remembered. `[SESSION-46]`
    pub(super) fn needs_storage(&self) -> Result<(), Refused> {
        if self.local.is_poisoned() { Err(Refused::StorageFailed) } else { Ok(()) }
    }

    fn remove(&mut self, now: Instant<Primary>, role: Role) -> Result<(), Refused> {
        self.check_seat(role)?;
        self.put_out(now, role, CloseCode::Revoked)
    }

    /// Puts the device in `role` out for good. `[SESSION-24]`
    fn put_out(
        &mut self,
        now: Instant<Primary>,
        role: Role,
        code: CloseCode,
    ) -> Result<(), Refused> {
        self.needs_storage()?;
        let members = &mut self.state.members;
        let at = members.iter().position(|m| m.name.role == role).ok_or(Refused::NotPaired)?;
        let key = members.remove(at).membership.peer.fingerprint();
        self.state.refuse(key, PutOut::Removed);
        self.local.write(now, &Fact::Alarm { code: code as u32, key }, &mut self.outbox);
        self.outbox.store(self.state.encode());
        self.local.settle(now, &mut self.outbox);
        if let Some(link) = self.seats.get(&role).and_then(|seat| seat.peer.link()) {
            self.drop_link(now, link, code);
        }
        self.leave_seat(role);
        self.show_codes();
        Ok(())
    }

    /// The device in `role` is out; what it covered and told stays.
    pub(super) fn leave_seat(&mut self, role: Role) {
        if let Some(seat) = self.seats.remove(&role) {
            self.former.insert(role, seat.leave());
        }
    }

    /// What comes next until all devices are there and record: never a code for a seat
    /// that is taken.
    fn prepare(&mut self, now: Instant<Primary>) -> Result<(), Refused> {
        let empty = self.roles().find(|role| !self.seats.contains_key(role));
        if let Some(role) = empty {
            return self.open_pairing(now, role);
        }
        match self.begin(now) {
            Err(Refused::NotCompared | Refused::AlreadyBegun) => Ok(()),
            begun => begun,
        }
    }

    /// Starts all cameras with one order. `[SESSION-6]`
    fn begin(&mut self, now: Instant<Primary>) -> Result<(), Refused> {
        if self.course != Course::Preparing {
            return Err(Refused::AlreadyBegun);
        }
        if self.seats.len() < usize::from(self.plan.assistants()) {
            return Err(Refused::SeatsEmpty);
        }
        // [PAIRING-32]
        if self.seats.values().any(|seat| seat.check_code.is_some()) {
            return Err(Refused::NotCompared);
        }
        self.needs_storage()?;
        let take = 1;
        self.course = Course::Recording { take };
        self.local.write(now, &Fact::Take { take, mark: 0 }, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        let links: Vec<LinkId> = self.seats.values().filter_map(|seat| seat.peer.link()).collect();
        for link in links {
            self.order_camera(link);
        }
        self.outbox.event(Event::StartRecording { take });
        self.edge(now);
        Ok(())
    }

    /// Tells a device what its camera is to do now.
    pub(super) fn order_camera(&mut self, link: LinkId) {
        let order = match self.course {
            Course::Preparing => return,
            Course::Recording { take } => Control::Begin(wire::Begin { take }),
            Course::Closing | Course::Over => self.finish_order(),
        };
        self.outbox.control(link, order.encode());
    }

    fn finish_order(&self) -> Control {
        Control::Finish(wire::Finish { reason: wire::FinishReason::Host, at: self.now })
    }

    /// Tells a peer how this device is, and which boot of it this is: without
    /// that the peer's journal cannot name this clock. `[SESSION-10]`
    pub(super) fn report_device(&mut self, link: LinkId) {
        let device = self.device.unwrap_or_default();
        let camera = self.camera.reported();
        let report = wire::DeviceReport { device, camera, boot: self.boot };
        self.outbox.control(link, Control::DeviceReport(report).encode());
    }

    /// Something happened on this device.
    fn told(&mut self, now: Instant<Primary>, fact: &HostFact<Primary>) -> Result<(), Refused> {
        self.camera.check(fact)?;
        let record = fact.to_record()?;
        if matches!(fact, HostFact::Device(device) if self.device == Some(*device)) {
            return Ok(());
        }
        self.marks.hear(now, Role::PRIMARY, &record);
        if matches!(fact, HostFact::RecordingStarted { .. }) {
            self.stopped = None;
        }
        if matches!(fact, HostFact::RecordingStopped(Observed { cause: Cause::Unknown, .. })) {
            self.stopped = Some(now);
        }
        let (local, outbox) = (&mut self.local, &mut self.outbox);
        let news = self.camera.keep(now, (fact, &record), local, outbox);
        if fact.is_edge() {
            self.local.settle(now, &mut self.outbox);
            self.edge(now);
        }
        self.follow(now, fact);
        self.camera_news(now, news);
        if matches!(fact, HostFact::RecordingStopped(_)) {
            self.close_if_complete(now);
        }
        Ok(())
    }

    /// What others are told of a fact, once it is durable. `[SESSION-1]`
    fn follow(&mut self, now: Instant<Primary>, fact: &HostFact<Primary>) {
        if let HostFact::Device(device) = fact {
            self.local.settle(now, &mut self.outbox);
            self.new_device(*device);
        }
        if let HostFact::Gate { name, outcome } = fact
            && self.face.outcome(*name, *outcome) == GateChange::VerifyAgain
        {
            self.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::VerifyAgain);
        }
    }

    /// A proctor or server says something. `[SESSION-31]`
    fn stated(&mut self, now: Instant<Primary>, signed: &[u8]) -> Result<(), Refused> {
        let statement = SignedStatement::from_bytes(signed)?;
        let proven = statement.proven(self.local.session(), &self.proctors)?;
        if self.statements.contains(&proven) {
            return Ok(());
        }
        self.needs_storage()?;
        if self.statements.len() >= limits::STATEMENTS {
            return Err(Refused::TooManyStatements);
        }
        let signed = Blob::new(signed).map_err(|_| Refused::TooLong)?;
        self.local.write(now, &Fact::Statement { signed }, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        self.statements.push(proven);
        // Now, and only now, what was confirmed may fall. [POLICY-27]
        let before = core::mem::take(&mut self.tally);
        self.tally = self.tally_at(now);
        if self.tally != before {
            self.outbox.settled().event(Event::Tally(self.tally));
        }
        Ok(())
    }

    fn new_device(&mut self, device: crate::device::Device) {
        self.device = Some(device);
        self.tell_device(Role::PRIMARY, device);
        let links: Vec<LinkId> = self.seats.values().filter_map(|seat| seat.peer.link()).collect();
        for link in links {
            self.report_device(link);
        }
    }

    pub(super) fn record_phase(&mut self, now: Instant<Primary>, phase: Phase) {
        self.local.write(now, &Fact::Phase { phase: phase.number() }, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        let changed = Control::PhaseChanged(wire::PhaseChanged { phase, at: now });
        for seat in self.seats.values() {
            if let Some(link) = seat.peer.link() {
                self.outbox.control(link, changed.encode());
            }
        }
        self.outbox.event(Event::Phase(phase));
        let closed = matches!(phase, Phase::Ready | Phase::Answering | Phase::Ended);
        if closed && !self.judged_ready {
            self.judged_ready = true;
            let missing = self.missing(now);
            self.not_ready.clone_from(&missing);
            if !missing.is_empty() {
                self.outbox.event(Event::NotReady { missing });
            }
        }
    }

    /// The plan, as this journal keeps it.
    pub(super) fn plan_record(&self) -> Fact {
        let announce =
            wire::Announce { exam: self.exam, plan: self.plan, policy: self.policy.to_bytes() };
        let windows = self.plan.windows();
        Fact::Plan {
            assistants: self.plan.assistants(),
            wait_open: windows.wait_open,
            wait_close: windows.wait_close,
            answer_start: windows.answer_start,
            answer_end: windows.answer_end,
            plan: Blob::new(Control::Announce(announce).frame().body()).unwrap_or_default(),
            policy: Blob::new(&self.policy.to_bytes()).unwrap_or_default(),
        }
    }
}
