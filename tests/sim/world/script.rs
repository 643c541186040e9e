//! What happens in a simulated exam, as data: one value says it all.

use diptych_protocol::ledger::Cause;
use diptych_protocol::policy::{Policy, Statement};
use diptych_protocol::time::Span;

use super::path::Conditions;
use crate::dice::{Dice, Law};

/// Something that happens at a true time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, since the start.
    pub at: Span,
    /// What.
    pub what: What,
}

/// What can happen. Devices are numbered: 0 is the primary.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The primary shows a code for a seat.
    Open {
        /// Which seat.
        seat: u8,
    },
    /// A device scans whatever code the seat shows, until it is paired.
    Scan {
        /// Which device.
        who: usize,
        /// Whose code.
        seat: u8,
    },
    /// All cameras are started, as soon as all seats are taken.
    Begin,
    /// The session is ended before its time; at its time the app ends it by itself.
    Finish,
    /// A camera delivers nothing for a while.
    CameraOff {
        /// Whose.
        who: usize,
        /// For how long.
        lasting: Span,
        /// What the system says of it.
        said: Said,
    },
    /// A call takes the microphone for a while; the picture goes on.
    SoundOff {
        /// Whose.
        who: usize,
        /// For how long.
        lasting: Span,
    },
    /// The app announces a gap before it causes one.
    Announced {
        /// Whose.
        who: usize,
        /// At its longest.
        longest: Span,
    },
    /// The examinee leaves the exam screen for a while.
    ScreenLeft {
        /// For how long.
        lasting: Span,
    },
    /// The app is killed and started again.
    Kill {
        /// Whose.
        who: usize,
        /// After how long it starts again.
        lasting: Span,
    },
    /// The device loses its power, and starts again.
    PowerLoss {
        /// Which.
        who: usize,
        /// After how long the app runs again.
        lasting: Span,
    },
    /// Storage fails in the middle of an operation: the n-th append or sync of this
    /// device, counted from the start of the session.
    Fails {
        /// Whose.
        who: usize,
        /// Which operation.
        operation: u64,
        /// How.
        how: Failure,
        /// After how long the app runs again.
        lasting: Span,
    },
    /// An assistant's packets get nowhere for a while.
    Outage {
        /// Whose.
        who: usize,
        /// For how long.
        lasting: Span,
    },
    /// A device gets another address.
    Move {
        /// Which.
        who: usize,
    },
    /// The device sleeps: its clock goes on, its apps do not.
    Sleep {
        /// Which.
        who: usize,
        /// For how long.
        lasting: Span,
        /// How far its clock is ahead afterwards of where it would be awake.
        miscount: Span,
    },
    /// The device has no space any more.
    DiskFull {
        /// Which.
        who: usize,
    },
    /// The device has no space for a while; its app is started again when it has.
    NoRoom {
        /// Which.
        who: usize,
        /// For how long.
        lasting: Span,
    },
    /// The primary puts the device in this seat out.
    Remove {
        /// Which seat.
        seat: u8,
    },
    /// Everything on one device is copied to another, which is started later.
    Clone {
        /// The original.
        of: usize,
        /// The copy.
        who: usize,
        /// How much later.
        after: Span,
    },
    /// A device is gone for good.
    Gone {
        /// Which.
        who: usize,
    },
    /// A proctor says something, and the examinee's app hands it in.
    Stated(Statement),
    /// An assistant's connection breaks at one of the messages on its control
    /// stream, counted from the first of the whole scenario, whoever sends it.
    BreakAt {
        /// Whose.
        who: usize,
        /// Which message: 1 for the first HELLO.
        message: u32,
        /// How.
        how: Break,
        /// For how long there is no path, or no app.
        lasting: Span,
    },
    /// An assistant's user leaves the session.
    Leave {
        /// Which device.
        who: usize,
    },
}

/// How storage fails, and the device with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The power is gone: a prefix of what was not synced is left, cut anywhere.
    Torn,
    /// The power is gone: of what was not synced any sectors are left, in no order.
    Reordered,
    /// The sync and all that follow are lies; the power is gone some operations
    /// later.
    LostSync,
    /// No space is left.
    Full,
}

/// How a connection breaks at a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The message and all that follow are lost, and nobody is told.
    Silent,
    /// The message is lost, and both ends are told at once.
    Told,
    /// The message is lost with the app that sends it.
    Unsent,
    /// The app that sends it is killed right after it.
    Sent,
    /// The app that should receive it is killed.
    Unheard,
}

impl Break {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Silent, Self::Told, Self::Unsent, Self::Sent, Self::Unheard];
}

/// What the system says when a camera stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing at all: the encoder just delivers no more.
    Nothing,
    /// Why, at once, and when it is back.
    Cause(Cause),
}

/// A whole simulated session.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Determines everything that the rest leaves open.
    pub seed: u64,
    /// Seats of the plan, the primary's not counted.
    pub assistants: u8,
    /// The path of each device to the primary; the first one's is not used.
    pub paths: Vec<Conditions>,
    /// Waiting opens, waiting closes, answering ends: true times.
    pub plan: [Span; 3],
    /// What happens, in any order.
    pub steps: Vec<Step>,
    /// What the exam is judged by; all but its rules for sound and announced gaps has
    /// to be the preset's, which is what the truth is judged by.
    pub policy: Policy,
    /// When the simulation stops.
    pub until: Span,
    /// Whether every line is kept, and not only the last ones.
    pub verbose: bool,
}

const fn s(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

/// When answering begins in [`Scenario::exam`].
pub const ANSWERING: Span = Span::from_secs(60);
const STORM: u64 = 0x5703_0001;

impl Scenario {
    /// An exam in which nothing goes wrong: paired by 10 s, recording from 20 s,
    /// answering from [`ANSWERING`] for `minutes`.
    #[must_use]
    pub fn exam(seed: u64, assistants: u8, minutes: i64) -> Self {
        let end = ANSWERING + s(60 * minutes);
        let mut exam = Self {
            seed,
            assistants,
            paths: vec![Conditions::WIFI; usize::from(assistants) + 1],
            plan: [s(5), ANSWERING, end],
            steps: Vec::new(),
            policy: seed_exam(),
            until: end + s(40),
            verbose: false,
        };
        for seat in 1..=assistants {
            let at = s(2 * i64::from(seat));
            exam = exam.with(at, What::Open { seat });
            exam = exam.with(at + s(1), What::Scan { who: usize::from(seat), seat });
        }
        exam.with(s(20), What::Begin)
    }

    /// The same, and `what` at `at`.
    #[must_use]
    pub fn with(mut self, at: Span, what: What) -> Self {
        self.steps.push(Step { at, what });
        self
    }

    /// The same, judged by `policy`.
    #[must_use]
    pub fn judged_by(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// One more device, which is in no seat yet; its number is the last one.
    #[must_use]
    pub fn with_device(mut self) -> Self {
        self.paths.push(Conditions::WIFI);
        self
    }

    /// When answering ends.
    #[must_use]
    pub fn end(&self) -> Span {
        self.plan[2]
    }

    /// An exam of `minutes` in which everything goes wrong that can, at times
    /// and for durations that the rules judge without doubt: no loss is within
    /// a few seconds of a limit.
    #[must_use]
    pub fn storm(seed: u64, minutes: i64) -> Self {
        let mut dice = Dice::keyed(seed, STORM, 0);
        let assistants = if dice.chance(0.25) { 2 } else { 1 };
        let mut storm = Self::exam(seed, assistants, minutes);
        for path in &mut storm.paths {
            *path = Conditions::drawn(&mut dice);
        }
        let devices = usize::from(assistants);
        let mut at = ANSWERING + s(20) + drawn(&mut dice, 0, 200);
        let mut lossy = 0;
        while at < storm.end() - s(240) && lossy < 6 {
            let long = dice.chance(0.05);
            let lasting = if long { drawn(&mut dice, 135, 160) } else { drawn(&mut dice, 5, 25) };
            let who = pick(&mut dice, devices + 1);
            for who in if dice.chance(0.1) { vec![0, 1] } else { vec![who] } {
                let what = trouble(&mut dice, who, lasting);
                storm = storm.with(at, what);
            }
            lossy += 1;
            at += lasting + drawn(&mut dice, 40, 900);
        }
        let mut at = ANSWERING + drawn(&mut dice, 0, 100);
        while at < storm.end() - s(60) {
            let who = 1 + pick(&mut dice, devices);
            let lasting =
                if dice.chance(0.2) { drawn(&mut dice, 30, 300) } else { drawn(&mut dice, 1, 15) };
            let lasting = lasting.min(storm.end() - s(30) - at);
            let what = match pick(&mut dice, 4) {
                0 => What::Move { who: pick(&mut dice, devices + 1) },
                _ => What::Outage { who, lasting },
            };
            storm = storm.with(at, what);
            at += drawn(&mut dice, 5, 600);
        }
        storm
    }
}

/// The preset of exams with three interruptions and two minutes.
fn seed_exam() -> Policy {
    Policy::preset("xyb-seed").unwrap()
}

/// Something that costs a camera `lasting`.
fn trouble(dice: &mut Dice, who: usize, lasting: Span) -> What {
    match pick(dice, 7) {
        0 => What::CameraOff { who, lasting, said: Said::Nothing },
        1 => What::CameraOff { who, lasting, said: Said::Cause(Cause::Call) },
        2 | 3 => What::Kill { who, lasting },
        4 => What::PowerLoss { who, lasting },
        5 => What::Sleep { who, lasting, miscount: miscount(dice) },
        _ if who == 0 => What::ScreenLeft { lasting },
        _ => What::Kill { who, lasting },
    }
}

/// What a clock makes of a sleep: nothing, a few milliseconds that hide in the delays
/// of messages, or up to the second that a clock of whole seconds can be off.
fn miscount(dice: &mut Dice) -> Span {
    let most = [Span::ZERO, Span::from_millis(3), Span::from_secs(1)][pick(dice, 3)];
    dice.draw(Law::Uniform { low: Span::ZERO - most, high: most })
}

fn drawn(dice: &mut Dice, low: i64, high: i64) -> Span {
    dice.draw(Law::Uniform { low: s(low), high: s(high) })
}

/// One of `n`, evenly.
fn pick(dice: &mut Dice, n: usize) -> usize {
    usize::try_from(dice.bits() % n.max(1) as u64).unwrap_or(0)
}
