//! One device on the bench: its machine, its disk, and who it is.

use std::collections::BTreeSet;

use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
use diptych_protocol::identity::{BootId, ExamTag, Label, sha256};
use diptych_protocol::ledger::{Cause, Observed};
use diptych_protocol::machine::{Admission, JournalName, LinkId, Purpose};
use diptych_protocol::plan::{Mode, Plan, Windows};
use diptych_protocol::policy::Policy;
use diptych_protocol::primary::{self, CheckCode, PrimaryMachine};
use diptych_protocol::secondary::{self, SecondaryMachine};
use diptych_protocol::secret::Entropy;
use diptych_protocol::time::{Instant, Span};

use crate::world::brain::Brain;
use crate::world::disk::Disk;
use crate::world::key::{Key, proctor};

/// What honest assistants are called; strangers are called something else.
pub(super) const BEHIND: &str = "behind";
/// Seats of the plan.
pub(super) const SEATS: u8 = 2;

pub(super) struct Device {
    pub(super) index: usize,
    pub(super) key: Key,
    pub(super) disk: Disk,
    pub(super) brain: Option<Brain>,
    /// The journal that it keeps now.
    pub(super) own: Option<JournalName>,
    /// Its clock ahead of the bench's, nanoseconds.
    pub(super) ahead: i64,
    pub(super) wake: Option<i64>,
    pub(super) open: BTreeSet<LinkId>,
    pub(super) last_link: u64,
    pub(super) dialling: Option<Purpose>,
    pub(super) admission: Admission,
    /// The instant after the last frame that was told.
    pub(super) filmed: i64,
    runs: u32,
}

impl Device {
    pub(super) fn new(index: usize) -> Self {
        let seconds = i64::try_from(index).unwrap() * 7_000 + 5_000;
        Self {
            index,
            key: Key::of(77, index),
            disk: Disk::default(),
            brain: None,
            own: None,
            ahead: seconds * 1_000_000_000,
            wake: None,
            open: BTreeSet::new(),
            last_link: 0,
            dialling: None,
            admission: Admission::default(),
            filmed: 0,
            runs: 0,
        }
    }

    /// Its clock when the bench's shows `now`.
    pub(super) const fn reading(&self, now: i64) -> i64 {
        now + self.ahead
    }

    /// Starts the app with what the disk holds. It can always be started.
    pub(super) fn start(&mut self, now: i64) {
        let at = self.reading(now);
        self.runs += 1;
        // A storage that failed takes nothing before it is opened again.
        self.disk.empty();
        self.open.clear();
        self.dialling = None;
        self.filmed = at;
        let entropy =
            Entropy::new(sha256(&[self.index.to_le_bytes()[0], self.runs.to_le_bytes()[0]]));
        let boot = BootId([u8::try_from(self.index).unwrap() + 1; 16]);
        let (signer, past) = (Box::new(self.key.clone()), self.disk.past().unwrap());
        let last_exit = Observed { cause: Cause::OsKill, raw: 9 };
        let brain = if self.index == 0 {
            let setup = primary::Setup {
                plan: plan(self.reading(0)),
                policy: Policy::preset("xyb-seed").unwrap(),
                proctors: vec![proctor()],
                exam: ExamTag([3; 8]),
                label: Label::new("front").unwrap(),
                addresses: Some(addresses(1)),
                check_code: CheckCode::Compared,
                signer,
                boot,
                wall_ms: 1_767_225_600_000,
                last_exit,
                entropy,
                past,
            };
            Brain::Primary(Box::new(PrimaryMachine::new(setup, Instant::from_nanos(at)).unwrap()))
        } else {
            let setup = secondary::Setup {
                label: Label::new(BEHIND).unwrap(),
                signer,
                boot,
                wall_ms: 1_767_225_600_000,
                last_exit,
                entropy,
                past,
            };
            Brain::Assistant(Box::new(
                SecondaryMachine::new(setup, Instant::from_nanos(at)).unwrap(),
            ))
        };
        self.brain = Some(brain);
    }

    pub(super) fn next_link(&mut self) -> LinkId {
        self.last_link += 1;
        LinkId(self.last_link)
    }
}

/// Waiting from 10 s to 60 s after the start, answering until two minutes.
fn plan(start: i64) -> Plan {
    let at = |seconds| Instant::from_nanos(start) + Span::from_secs(seconds);
    let windows = Windows {
        wait_open: at(10),
        wait_close: at(60),
        answer_start: at(60),
        answer_end: at(120),
    };
    let requirements = Requirements {
        battery_percent: 20,
        charger: Switch::Off,
        bytes_per_second: 1_000,
        heat: Heat::Hot,
        permissions: Permissions::CAMERA,
    };
    Plan::new(Mode::Mock, Label::new("Academy").unwrap(), SEATS, windows, requirements).unwrap()
}

pub(super) fn addresses(host: u8) -> Addresses {
    let address = Address::new([10, 0, 0, host.max(1)].into());
    Addresses::new(&[address], 47_000, Loopback::Allowed).unwrap()
}
