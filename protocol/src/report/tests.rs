//! Whole sessions written as two journals, and what the report says of them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "files and indices of tests are small"
)]

mod clocks;
mod coverage;
mod evidence;

use super::*;
use crate::identity::tests::Key;
use crate::identity::{BootId, SessionId, Signer};
use crate::journal::{Blob, Header, Heard, Own, Writer, replay, salvage};
use crate::ledger::Cause;

/// What goes wrong, in milliseconds of true time, from and to.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The camera stops and says so; the app lives.
    Camera,
    /// The camera stops and nobody says so.
    Silent,
    /// The examinee leaves the exam screen.
    Screen,
    /// The process dies and starts again.
    Killed,
    /// The device boots again: its clock begins anew.
    Reboot,
    /// No message in either direction.
    Link,
    /// The process dies and never starts again.
    Gone,
    /// The microphone is taken.
    Sound,
    /// The device sleeps, and its clock chip is [`CHIP_MS`] behind when it wakes.
    Asleep,
    /// The same, but its clock is [`DRIFT_US`] ahead, which no message contradicts.
    Dozing,
    /// The whole device stands still, its clock for all but a second of it.
    Stopped,
    /// As before, but its camera films in that second without a gap.
    Frozen,
}

/// What stands still with its whole device.
const STILL: [Fault; 4] = [Fault::Asleep, Fault::Dozing, Fault::Stopped, Fault::Frozen];

const CHIP_MS: i64 = 592;
const DRIFT_US: i64 = 2_400;

/// A device's clock against the true time, in nanoseconds and parts per million.
#[derive(Clone, Copy)]
struct ClockModel {
    offset: i64,
    ppm: i64,
}

impl ClockModel {
    fn read(self, true_ns: i64) -> i64 {
        true_ns + self.offset + true_ns / 1_000_000 * self.ppm
    }
}

struct Phone {
    role: Role,
    peer: Role,
    key: Key,
    writer: Writer,
    file: Vec<u8>,
    clock: ClockModel,
    boot: u8,
    alive: bool,
    heard: Vec<Heard>,
}

impl Phone {
    fn new(role: u8, peer: u8, clock: ClockModel) -> Self {
        let key = Key::new(role + 1);
        let header = Header {
            session: SessionId([9; 16]),
            role: Role::new(role).unwrap(),
            device: 1,
            key: key.public_key(),
        };
        let (writer, file) = Writer::create(header);
        let (role, peer) = (header.role, Role::new(peer).unwrap());
        Self { role, peer, key, writer, file, clock, boot: 0, alive: false, heard: Vec::new() }
    }

    fn boot_id(&self) -> BootId {
        BootId([self.role.number() * 16 + self.boot; 16])
    }

    fn own(&self, ms: i64) -> Instant<Own> {
        Instant::from_nanos(self.clock.read(ms * 1_000_000))
    }

    fn write(&mut self, ms: i64, fact: &Fact) {
        let now = Instant::<Primary>::from_nanos(self.clock.read(ms * 1_000_000));
        let bytes = self.writer.append(now, fact).unwrap();
        self.file.extend(bytes);
        if self.writer.seal_due(now) {
            self.file.extend(self.writer.seal(now, &mut self.key).unwrap());
        }
    }

    fn start(&mut self, ms: i64) {
        self.alive = true;
        let fact = Fact::ProcessStarted {
            boot: self.boot_id(),
            wall_ms: 1_767_225_600_000 + ms,
            cause: 0,
            raw: 0,
        };
        self.write(ms, &fact);
    }

    fn meets(&mut self, ms: i64, boot: BootId) {
        // What was heard before belongs to the boot before.
        self.flush(ms);
        self.write(ms, &Fact::PeerBoot { peer: self.peer, device: 1, boot });
    }

    fn flush(&mut self, ms: i64) {
        let heard = core::mem::take(&mut self.heard);
        if !heard.is_empty() {
            self.write(ms, &Fact::ClockHeard { peer: self.peer, heard: heard.as_slice().into() });
        }
    }
}

/// Half a second of pictures.
fn segment((first, last): (Instant<Own>, Instant<Own>), ms: i64) -> Fact {
    Fact::Segment { first, last, frames: 15, offset: ms as u64, bytes: 1, sha256: [0; 32] }
}

/// A session of `seconds`, answering from 10 s on, with these faults.
struct Scene {
    seconds: i64,
    faults: Vec<(u8, Fault, i64, i64)>,
}

impl Scene {
    fn new(seconds: i64) -> Self {
        Self { seconds, faults: Vec::new() }
    }

    fn with(mut self, role: u8, fault: Fault, from_ms: i64, to_ms: i64) -> Self {
        self.faults.push((role, fault, from_ms, to_ms));
        self
    }

    fn is(&self, role: u8, fault: Fault, ms: i64) -> bool {
        self.faults
            .iter()
            .any(|(who, what, from, to)| *who == role && *what == fault && *from <= ms && ms < *to)
    }

    fn edge(&self, role: u8, fault: Fault, ms: i64, start: bool) -> bool {
        self.faults.iter().any(|(who, what, from, to)| {
            *who == role && *what == fault && ms == if start { *from } else { *to }
        })
    }

    /// Plays it in steps of half a second.
    fn play(&self) -> [Phone; 2] {
        let p = Phone::new(0, 1, ClockModel { offset: 5_000_000_000, ppm: 0 });
        let a = Phone::new(1, 0, ClockModel { offset: 37_000_000_000, ppm: 80 });
        let mut phones = [p, a];
        for phone in &mut phones {
            phone.start(0);
        }
        let boots = phones.each_ref().map(Phone::boot_id);
        let keys = phones.each_ref().map(|phone| phone.key.public_key());
        for (index, phone) in phones.iter_mut().enumerate() {
            let (peer, session) = (phone.peer, SessionId([9; 16]));
            let key = keys[1 - index];
            phone
                .write(1, &Fact::Paired { peer, key: Box::new(key), session, transcript: [0; 32] });
            phone.meets(1, boots[1 - index]);
        }
        let at = |seconds: i64| Instant::from_nanos((5 + seconds) * 1_000_000_000);
        let plan = Fact::Plan {
            assistants: 1,
            wait_open: at(0),
            wait_close: at(8),
            answer_start: at(10),
            answer_end: at(self.seconds),
            plan: Blob::default(),
            policy: Blob::new(&Policy::preset("xyb-seed").unwrap().to_bytes()).unwrap(),
        };
        phones[0].write(2, &plan);
        phones[0].write(2, &Fact::Link { peer: Role::new(1).unwrap(), state: 0, path: 0 });
        for phone in &mut phones {
            phone.write(3, &Fact::RecordingStarted { take: 1, timescale: 90_000, file: [1; 32] });
        }
        for step in 2..self.seconds * 2 {
            let ms = step * 500;
            for index in 0..2 {
                self.live(&mut phones, index, ms);
            }
            self.talk(&mut phones, ms);
        }
        let end = self.seconds * 1_000;
        for phone in phones.iter_mut().filter(|phone| phone.alive) {
            phone.write(end + 20, &Fact::RecordingStopped { cause: 0, raw: 0 });
            phone.write(end + 30, &Fact::Finish { reason: 0 });
            let now = Instant::<Primary>::from_nanos(phone.clock.read((end + 40) * 1_000_000));
            phone.file.extend(phone.writer.seal(now, &mut phone.key).unwrap());
        }
        phones
    }

    fn live(&self, phones: &mut [Phone; 2], index: usize, ms: i64) {
        let role = index as u8;
        let other_boot = phones[1 - index].boot_id();
        let phone = &mut phones[index];
        let down = [Fault::Killed, Fault::Reboot, Fault::Gone]
            .iter()
            .any(|fault| self.is(role, *fault, ms));
        if down {
            phone.alive = false;
            phone.heard.clear();
            return;
        }
        if !phone.alive {
            if self.edge(role, Fault::Reboot, ms, false) {
                phone.boot += 1;
                phone.clock.offset = -(ms - 4_000) * 1_000_000;
            }
            phone.start(ms);
            phone.meets(ms, other_boot);
            phone.write(ms, &Fact::RecordingStarted { take: 1, timescale: 90_000, file: [2; 32] });
            let changed = phone.boot_id();
            phones[1 - index].meets(ms, changed);
        }
        let phone = &mut phones[index];
        if STILL.iter().any(|fault| self.is(role, *fault, ms)) {
            return;
        }
        self.wake(phone, role, ms);
        self.events(phone, role, ms);
        let dark = self.is(role, Fault::Camera, ms) || self.is(role, Fault::Silent, ms);
        if !dark {
            phone.write(ms, &segment((phone.own(ms - 500), phone.own(ms - 33)), ms));
            let pts = ms * 90;
            let at = phone.own(ms - 500);
            phone.write(ms, &Fact::MediaAnchor { pts, at, within: Span::from_micros(50) });
        }
    }

    /// What the clock makes of the time that this device did not run.
    fn wake(&self, phone: &mut Phone, role: u8, ms: i64) {
        let length = |fault| {
            let mut faults = self.faults.iter();
            let woken = faults.find(|one| (one.0, one.1, one.3) == (role, fault, ms));
            woken.map(|(_, _, from, to)| to - from)
        };
        let slept = length(Fault::Asleep).map(|ms_slept| (ms_slept, -CHIP_MS * 1_000));
        let dozed = length(Fault::Dozing).map(|ms_slept| (ms_slept, DRIFT_US));
        if let Some((ms_slept, us_off)) = slept.or(dozed) {
            let from = ms - ms_slept;
            let last = (phone.own(from - 500), phone.own(from - 33));
            phone.clock.offset += us_off * 1_000;
            // As a driver does: the sleep is noticed first, and then the camera
            // commits the last pictures from before it.
            phone.write(ms, &Fact::Slept { span: Span::from_micros(ms_slept * 1_000 + us_off) });
            phone.write(ms, &segment(last, ms - 1));
        }
        if let Some(ms_stood) = length(Fault::Stopped).or(length(Fault::Frozen)) {
            let first = phone.own(ms - ms_stood - 500);
            phone.clock.offset -= (ms_stood - 1_000) * 1_000_000;
            if length(Fault::Frozen).is_some() {
                phone.write(ms, &segment((first, phone.own(ms - 533)), ms - 1));
            }
        }
    }

    fn events(&self, phone: &mut Phone, role: u8, ms: i64) {
        if self.edge(role, Fault::Screen, ms, true) {
            phone.write(ms, &Fact::ScreenLeft { cause: Cause::Call.code(), raw: 7 });
        }
        if self.edge(role, Fault::Screen, ms, false) {
            phone.write(ms, &Fact::ScreenBack {});
        }
        if self.edge(role, Fault::Camera, ms, true) {
            let cause = Cause::CameraTaken.code();
            phone.write(ms, &Fact::CameraEvent { state: 0, cause, raw: 3 });
        }
        if self.edge(role, Fault::Sound, ms, true) {
            phone.write(ms, &Fact::AudioEvent { state: 0, cause: Cause::Call.code(), raw: 0 });
        }
        if self.edge(role, Fault::Sound, ms, false) {
            phone.write(ms, &Fact::AudioEvent { state: 1, cause: 0, raw: 0 });
        }
    }

    /// One message each way, 1 ms there and 3 ms back, and a heartbeat.
    fn talk(&self, phones: &mut [Phone; 2], ms: i64) {
        let peer = Role::new(1).unwrap();
        let alive = phones[0].alive && phones[1].alive;
        if self.edge(0, Fault::Link, ms, true) && phones[0].alive {
            phones[0].write(ms, &Fact::Link { peer, state: 3, path: 0 });
        }
        let stands = |role| STILL.iter().any(|fault| self.is(role, *fault, ms));
        if self.is(0, Fault::Link, ms) || !alive || stands(0) || stands(1) {
            return;
        }
        if self.edge(0, Fault::Link, ms, false) {
            phones[0].write(ms, &Fact::Link { peer, state: 0, path: 1 });
        }
        let stamp = |clock: ClockModel, us: i64| clock.read(ms * 1_000_000 + us * 1_000);
        let (p, a) = (phones[0].clock, phones[1].clock);
        let sequence = ms as u32;
        phones[1].heard.push(Heard {
            sequence,
            sent: Instant::from_nanos(stamp(p, 0)),
            received: Instant::from_nanos(stamp(a, 1_000)),
        });
        phones[0].heard.push(Heard {
            sequence,
            sent: Instant::from_nanos(stamp(a, 1_000)),
            received: Instant::from_nanos(stamp(p, 4_000)),
        });
        if ms % 2_000 == 0 {
            let head = phones[1].writer.head();
            let covered = Instant::from_nanos(phones[1].own(ms - 33).nanos());
            let (sequence, head) = (head.sequence, head.hash);
            phones[0].write(ms + 5, &Fact::PeerHead { peer, sequence, head, covered });
            for phone in phones.iter_mut() {
                phone.flush(ms + 5);
            }
        }
    }

    fn journals(&self) -> Vec<Replayed> {
        self.play().iter().map(|phone| replay(&phone.file).unwrap()).collect()
    }

    fn report(&self) -> Report {
        let report = evaluate(&self.journals(), None).unwrap();
        assert_eq!(report.findings.iter().filter(|f| is_tampering(&f.offence)).count(), 0);
        report
    }
}

/// Verdict, counts and flags in one line.
fn line(report: &Report) -> (Verdict, u32, u32, Vec<Flag>) {
    let judgement = &report.judgement;
    let flags = report.flags.iter().copied().collect();
    (judgement.verdict, judgement.count_min, judgement.count_max, flags)
}

/// The one interruption, and that its length is right within its uncertainty.
fn only(report: &Report, true_ms: i64) -> &Account {
    let [account] = report.accounts.as_slice() else { panic!("{:?}", report.accounts) };
    let off = (account.interruption.duration - Span::from_millis(true_ms)).abs();
    assert!(off <= account.interruption.uncertainty, "{:?} off {off}", account.interruption);
    account
}
