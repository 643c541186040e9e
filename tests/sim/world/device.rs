//! A phone: its clock, disk, camera and the app on it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use diptych_protocol::identity::{BootId, Fingerprint, PublicKey, Signer as _, sha256};
use diptych_protocol::machine::{Admission, JournalName, LinkId, Purpose};

use super::brain::Brain;
use super::clock::LocalClock;
use super::disk::Disk;
use super::key::Key;
use super::script::Failure;
use crate::dice::{Dice, Law};
use diptych_protocol::time::Span;

/// Whom an app is calling.
#[derive(Clone, Debug)]
pub(super) struct Dialled {
    pub(super) number: u64,
    pub(super) since: i64,
    pub(super) peer: Fingerprint,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) purpose: Purpose,
    pub(super) discovery: String,
}

/// Between two fragments of a recording.
pub(super) const FRAGMENT: i64 = 500_000_000;
const FRAME: i64 = 33_333_333;

/// One device and everything on it.
pub(super) struct Device {
    pub(super) key: Key,
    pub(super) clock: LocalClock,
    /// The clocks before it: of which boot, and until when it was right.
    earlier: Vec<(u32, i64, LocalClock)>,
    pub(super) boots: u32,
    pub(super) disk: Disk,
    /// The running app, if it runs.
    pub(super) brain: Option<Brain>,
    /// Numbers the runs of the app, so that what was meant for an earlier one
    /// does not reach a later one.
    pub(super) run: u32,
    /// The last wake that was asked for counts.
    pub(super) wake: u64,
    pub(super) asleep_until: i64,
    pub(super) links: BTreeMap<LinkId, u64>,
    pub(super) next_link: u64,
    /// The dial under way, and how many there were.
    pub(super) dialled: Option<Dialled>,
    pub(super) dials: u64,
    /// Messages on its control streams so far, both ways.
    pub(super) messages: u32,
    pub(super) address: SocketAddr,
    pub(super) admission: Admission,
    pub(super) announced: Vec<String>,
    pub(super) camera: Camera,
    /// The app dies after this many more effects.
    pub(super) doom: Option<u64>,
    /// The operation of its storage that fails, how, and the step that says so.
    pub(super) fate: Option<(u64, Failure, usize)>,
    /// The machine was told that its storage fails.
    pub(super) storage_told: bool,
    /// Appends and syncs so far.
    pub(super) operations: u64,
    /// The journal that this device writes.
    pub(super) own: Option<JournalName>,
    /// The seat whose code the user wants to scan.
    pub(super) scanning: Option<u8>,
    pub(super) seat: Option<u8>,
    pub(super) over: bool,
    /// The run of the app that was told so last.
    pub(super) over_in: Option<u32>,
    /// Over, and not before everybody else.
    pub(super) finished: bool,
    /// Why the app ended the last time.
    pub(super) last_exit: diptych_protocol::ledger::Observed,
}

/// The camera as it really is.
#[derive(Clone, Debug, Default)]
pub(super) struct Camera {
    /// Recording, and since when frames were not yet committed.
    pub(super) since: Option<i64>,
    /// The app was told to record, and not yet to stop.
    pub(super) wanted: bool,
    /// It delivers nothing for now.
    pub(super) off: bool,
    /// Numbers recordings, so that the ticks of an earlier one end.
    pub(super) generation: u64,
    /// First and last frame of everything that was committed, in true time.
    pub(super) durable: Vec<(i64, i64)>,
    pub(super) pending: Vec<(i64, i64)>,
    /// What a disk called durable after it began to lie: there until the power goes.
    pub(super) believed: Vec<(i64, i64)>,
    /// What was under way when the power went: nobody knows what of it is left.
    pub(super) doubtful: Vec<(i64, i64)>,
    /// Times away from the exam screen.
    pub(super) away: Vec<(i64, i64)>,
    /// Times without sound; the last may go on.
    pub(super) silent: Vec<(i64, Option<i64>)>,
    /// Gaps that were announced, at their longest.
    pub(super) announced: Vec<(i64, i64)>,
}

/// Frames to commit: first, last, how many.
pub(super) type Frames = (i64, i64, u32);

impl Camera {
    /// Takes the frames up to `now` out of the encoder.
    pub(super) fn take(&mut self, now: i64) -> Option<Frames> {
        let since = self.since?;
        if self.off || now - since < 2 * FRAME {
            return None;
        }
        let more = (now - since - 1) / FRAME;
        self.since = Some(now);
        Some((since, since + more * FRAME, u32::try_from(more).unwrap_or(0) + 1))
    }

    /// What was handed over is on the disk, as far as the disk can be `believed`.
    pub(super) fn synced(&mut self, lies: bool) {
        let kept = if lies { &mut self.believed } else { &mut self.durable };
        kept.append(&mut self.pending);
    }

    /// The power is gone.
    pub(super) fn lose_power(&mut self) {
        self.doubtful.append(&mut self.pending);
        self.doubtful.append(&mut self.believed);
    }

    /// The app is gone, and what the encoder held with it.
    pub(super) fn stop(&mut self) {
        self.since = None;
        self.wanted = false;
        self.generation += 1;
    }
}

impl Device {
    pub(super) fn new(seed: u64, index: usize) -> Self {
        let mut dice = Dice::keyed(seed, 0xde71_ce00, index as u64);
        let hours = Law::Uniform { low: Span::from_secs(100), high: Span::from_secs(20_000) };
        let parts = Law::Uniform { low: Span::ZERO, high: Span::from_nanos(100_000) };
        let skew = dice.draw(parts).nanos() - 50_000;
        Self {
            key: Key::of(seed, index),
            clock: LocalClock::new(0, dice.draw(hours).nanos(), skew),
            earlier: Vec::new(),
            boots: 1,
            disk: Disk::default(),
            brain: None,
            run: 0,
            wake: 0,
            asleep_until: 0,
            links: BTreeMap::new(),
            next_link: 0,
            dialled: None,
            dials: 0,
            messages: 0,
            address: address(index, 1),
            admission: Admission::default(),
            announced: Vec::new(),
            camera: Camera::default(),
            doom: None,
            fate: None,
            storage_told: false,
            operations: 0,
            own: None,
            scanning: None,
            seat: None,
            over: false,
            over_in: None,
            finished: false,
            last_exit: diptych_protocol::ledger::Observed::NOTHING,
        }
    }

    pub(super) fn key(&self) -> PublicKey {
        self.key.public_key()
    }

    pub(super) fn boot(&self, seed: u64, index: usize) -> BootId {
        self.boot_of(seed, index, self.boots)
    }

    /// The boot with this number.
    pub(super) fn boot_of(&self, seed: u64, index: usize, boots: u32) -> BootId {
        let name = format!("boot {seed} {index} {boots}");
        let hash = sha256(name.as_bytes());
        BootId(*hash.first_chunk().unwrap())
    }

    /// Since when it has this clock: a boot begins one, and so does a sleep that it miscounts.
    pub(super) fn changed(&self) -> i64 {
        self.earlier.last().map_or(0, |(_, until, _)| *until)
    }

    /// What its clock showed at a true time, and in which boot.
    pub(super) fn showed(&self, at: i64) -> (u32, i64) {
        let then = self.earlier.iter().find(|(_, until, _)| at < *until);
        then.map_or((self.boots, self.clock.reading(at)), |(boots, _, clock)| {
            (*boots, clock.reading(at))
        })
    }

    /// What the clock of one boot showed at a true time, or would have if it had run on.
    pub(super) fn would_show(&self, boots: u32, at: i64) -> i64 {
        let now = (self.boots, i64::MAX, self.clock);
        let of_boot = || self.earlier.iter().chain([&now]).filter(|one| one.0 == boots);
        let then = of_boot().find(|(_, until, _)| at < *until).or_else(|| of_boot().next_back());
        then.map_or(0, |(_, _, clock)| clock.reading(at))
    }

    /// Wakes at `now` from a sleep that it miscounted, and says how long it thinks
    /// that it slept.
    pub(super) fn wakes(&mut self, now: i64, slept: i64, miscount: i64) -> i64 {
        let before = self.clock.reading(now - slept);
        if miscount != 0 {
            self.earlier.push((self.boots, now, self.clock));
            self.clock = self.clock.ahead(miscount.max(before - self.clock.reading(now)));
        }
        self.clock.reading(now) - before
    }

    /// The clock starts again near zero.
    pub(super) fn reboot(&mut self, now: i64, dice: &mut Dice) {
        self.earlier.push((self.boots, now, self.clock));
        self.boots += 1;
        let skew = Law::Uniform { low: Span::ZERO, high: Span::from_nanos(100_000) };
        let skew = dice.draw(skew).nanos() - 50_000;
        self.clock = LocalClock::new(now, 3_000_000_000, skew);
    }

    pub(super) fn is_running(&self, now: i64) -> bool {
        self.brain.is_some() && self.asleep_until <= now
    }

    /// The app is gone without a word.
    pub(super) fn die(&mut self) {
        self.brain = None;
        self.run += 1;
        self.wake += 1;
        self.links.clear();
        self.dialled = None;
        self.admission = Admission::default();
        self.announced.clear();
        self.camera.stop();
        self.doom = None;
        self.storage_told = false;
    }
}

/// The address that device `index` has after `moves` moves.
pub(super) fn address(index: usize, moves: u32) -> SocketAddr {
    let host = 10 + u8::try_from(index).unwrap_or(0);
    let net = u8::try_from(moves % 200).unwrap_or(0);
    SocketAddr::from(([10, 0, net, host], 47_000))
}
