//! A world of phones, wrong clocks and bad networks, run by one seed.
//!
//! The machines are the real ones, with real keys; everything around them is
//! here: true time, clocks that differ from it, disks that lose what was not
//! synced, paths that lose, delay, repeat and reorder, apps that are killed and
//! phones that sleep, move and restart. Because the world knows the truth, it
//! can hold every claim of the machines against it. Rejected: mocking parts of
//! the machines (what is mocked is not tested), and a shared random generator
//! in the tests (one more draw would change every later one).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a world that contradicts itself must stop, and events nobody needs are many"
)]

pub(crate) mod brain;
mod breaks;
mod clock;
mod device;
pub(crate) mod disk;
mod effects;
mod host;
pub(crate) mod key;
mod links;
mod outcome;
mod path;
mod placed;
mod script;
mod steps;
mod truth;
mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use diptych_protocol::machine::{Input, Lost};
use diptych_protocol::policy::Tally;
use diptych_protocol::time::Span;

pub use brain::Told;
pub use key::proctor;
pub use outcome::Outcome;
pub use path::Conditions;
pub use script::{ANSWERING, Break, Failure, Said, Scenario, Step, What};
pub use truth::Truth;

use crate::dice::Dice;
use device::Device;
use links::Connection;
use path::Path;

const WORLD: u64 = 0x0071_d001;
/// Between two looks at everything.
const TICK: i64 = 500_000_000;
/// Lines that a failure shows.
const TRACE: usize = 120;

/// Everything that will happen and is known already.
enum Happening {
    Wake { who: usize, wake: u64 },
    Start { who: usize },
    Frames { who: usize, generation: u64 },
    Roll { who: usize, run: u32, take: u32 },
    Rescan { who: usize },
    Stream { connection: u64, to: usize, bytes: Vec<u8> },
    Datagram { connection: u64, to: usize, bytes: Vec<u8> },
    Up { connection: u64, end: usize },
    Gone { connection: u64, end: usize, lost: Lost },
    Attempt { who: usize, dial: u64, repeats: u32 },
    DialFailed { who: usize, dial: u64, lost: Lost },
    Step(usize),
    Return(usize),
    Tick,
}

/// What the users want, until they have it.
#[derive(Clone, Debug, Default)]
struct Wishes {
    open: BTreeSet<u8>,
    begin: bool,
    finish: bool,
    /// The run of the primary's app that was told that answering has ended, and so
    /// ends the session.
    ended: Option<u32>,
}

/// The simulation.
pub struct World {
    now: i64,
    scenario: Scenario,
    devices: Vec<Device>,
    paths: Vec<Path>,
    moves: u32,
    queue: BTreeMap<(i64, u64), Happening>,
    queued: u64,
    dice: Dice,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    /// The text shown for each seat.
    shown: BTreeMap<u8, String>,
    wishes: Wishes,
    /// When the cameras were ordered to stop.
    stopped: Option<i64>,
    watch: Vec<watch::Watch>,
    /// The steps that break a connection at a message, until they have.
    breaks: Vec<usize>,
    trace: VecDeque<String>,
    failures: Vec<String>,
    told: Vec<(i64, usize, Told)>,
    /// The count that the primary's screen shows.
    tally: Tally,
    /// Everything that any app was told, folded into one number.
    trail: u64,
    /// How long each resume took after the path was there again.
    resumes: Vec<i64>,
}

impl World {
    /// The world of a scenario, at its beginning.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let seed = scenario.seed;
        let outages = |who: usize| {
            let lasting = |step: &Step| match step.what {
                What::Outage { who: whose, lasting } if whose == who => {
                    Some((step.at.nanos(), (step.at + lasting).nanos()))
                }
                _ => None,
            };
            scenario.steps.iter().filter_map(lasting).collect()
        };
        let path = |(who, conditions): (usize, &Conditions)| Path::new(*conditions, outages(who));
        let paths: Vec<Path> = scenario.paths.iter().enumerate().map(path).collect();
        let devices = (0..paths.len()).map(|index| Device::new(seed, index)).collect();
        let mut world = Self {
            now: 0,
            devices,
            watch: vec![watch::Watch::default(); paths.len()],
            paths,
            moves: 1,
            queue: BTreeMap::new(),
            queued: 0,
            dice: Dice::keyed(seed, WORLD, 0),
            connections: BTreeMap::new(),
            next_connection: 0,
            shown: BTreeMap::new(),
            wishes: Wishes::default(),
            stopped: None,
            breaks: Vec::new(),
            trace: VecDeque::new(),
            failures: Vec::new(),
            told: Vec::new(),
            tally: Tally::default(),
            trail: 0,
            resumes: Vec::new(),
            scenario,
        };
        let clones: Vec<usize> = world
            .scenario
            .steps
            .iter()
            .filter_map(|step| match step.what {
                What::Clone { who, .. } => Some(who),
                _ => None,
            })
            .collect();
        for who in 0..world.devices.len() {
            if !clones.contains(&who) {
                world.at(0, Happening::Start { who });
            }
        }
        for (index, step) in world.scenario.steps.clone().iter().enumerate() {
            world.at(step.at.nanos(), Happening::Step(index));
        }
        world.at(TICK, Happening::Tick);
        world
    }

    /// Runs to the end of the scenario and says how it went.
    #[must_use]
    pub fn run(mut self) -> Outcome {
        let until = self.scenario.until.nanos();
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            if at > until || self.failures.len() > 5 {
                break;
            }
            self.now = at;
            self.happen(happening);
        }
        self.now = until;
        outcome::of(self)
    }

    fn at(&mut self, at: i64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), happening);
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        let line = format!("{:>12.6} {}", self.now as f64 / 1e9, line());
        if !self.scenario.verbose && self.trace.len() >= TRACE {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }

    fn fail(&mut self, what: String) {
        self.note(|| format!("FAILURE {what}"));
        self.failures.push(format!("at {}: {what}", Span::from_nanos(self.now)));
    }

    /// Whose app this needs, if it needs one that is awake.
    fn needs(&self, happening: &Happening) -> Option<usize> {
        match happening {
            Happening::Wake { who, .. }
            | Happening::Frames { who, .. }
            | Happening::Roll { who, .. }
            | Happening::Rescan { who }
            | Happening::Attempt { who, .. }
            | Happening::DialFailed { who, .. } => Some(*who),
            Happening::Stream { connection, to: end, .. }
            | Happening::Datagram { connection, to: end, .. }
            | Happening::Up { connection, end }
            | Happening::Gone { connection, end, .. } => {
                let connection = self.connections.get(connection)?;
                Some(connection.device(*end))
            }
            Happening::Start { .. }
            | Happening::Step(_)
            | Happening::Return(_)
            | Happening::Tick => None,
        }
    }

    fn happen(&mut self, happening: Happening) {
        if let Some(who) = self.needs(&happening)
            && self.devices[who].asleep_until > self.now
        {
            if !matches!(happening, Happening::Datagram { .. }) {
                self.at(self.devices[who].asleep_until, happening);
            }
            return;
        }
        match happening {
            Happening::Wake { who, wake } => {
                if self.devices[who].wake == wake {
                    self.feed(who, Input::Wake);
                }
            }
            Happening::Start { who } => self.start(who),
            Happening::Frames { who, generation } => self.frames(who, generation),
            Happening::Roll { who, run, take } => self.roll(who, run, take),
            Happening::Rescan { who } => _ = self.scan(who),
            Happening::Stream { connection, to, bytes } => self.stream_came(connection, to, &bytes),
            Happening::Datagram { connection, to, bytes } => {
                self.datagram_came(connection, to, &bytes);
            }
            Happening::Up { connection, end } => self.up(connection, end),
            Happening::Gone { connection, end, lost } => self.gone(connection, end, lost),
            Happening::Attempt { who, dial, repeats } => self.attempt(who, dial, repeats),
            Happening::DialFailed { who, dial, lost } => self.dial_failed(who, dial, lost),
            Happening::Step(index) => self.step(index),
            Happening::Return(index) => self.step_ends(index),
            Happening::Tick => {
                self.tick();
                if self.now % (2 * TICK) == 0 {
                    self.ask();
                }
                self.at(self.now + TICK, Happening::Tick);
            }
        }
    }
}
