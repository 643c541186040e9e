//! `diptych rehearse`: a whole mock exam on one machine.
//!
//! The point of a rehearsal is that nothing in it is pretended: the assistant is
//! another process that finds the session by decoding a picture of the code, both
//! cameras encode real video, and the clocks disagree by half a minute. What is
//! known here and nowhere else is the truth: every picture carries the time of
//! its capture in its pixels, so the stated error can be held against the true
//! one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diptych_driver::embed::{Discovery, Embedded, Supply, Told};
use diptych_driver::quic::Sources;
use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
use diptych_protocol::identity::{ExamTag, Label, Role};
use diptych_protocol::plan::{Mode, Phase, Plan, Windows};
use diptych_protocol::policy::Policy;
use diptych_protocol::primary::{CheckCode, Command, Event, PrimaryMachine, Setup};
use diptych_protocol::time::{Instant, Primary, Span};

use super::children::Children;
use super::fail::LiveFail;
use super::life::{PATIENCE, say, still};
use super::news;
use super::outcome::{self, Outcome, Story};
use super::screen::Screen;
use super::script::{FAULT_LENGTH, Script, fault_at, least_seconds};
use super::secondary::Fault;
use super::since::Since;
use super::standing;
use super::station::{Shot, Station, Wrongness};
use super::stop::Stop;
use crate::camera::{Lens, Scene};
use crate::picture::Size;
use crate::qr;

/// How wrong the assistants' clocks are.
pub(super) const OFFSET: Span = Span::from_secs(30);
pub(super) const PPB: i64 = 80_000;
/// How long an assistant may take to pair.
const PAIRING_SECONDS: u32 = 30;

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long answering lasts.
    pub seconds: u32,
    /// How many assistants.
    pub assistants: u8,
    /// Where everything goes.
    pub folder: PathBuf,
    /// Whether cameras are taken away.
    pub faults: Script,
    /// Of the pictures.
    pub size: Size,
    /// Pictures in a second.
    pub rate: u8,
}

/// Runs the rehearsal; progress goes to `progress`.
///
/// # Errors
/// [`LiveFail`]; what was recorded until then stays in the folder.
pub fn run<W: Write>(options: &Options, progress: &mut Screen<W>) -> Result<Outcome, LiveFail> {
    let stop = Stop::listen();
    let cameras = u32::from(options.assistants) + 1;
    let least = least_seconds(cameras);
    if options.faults == Script::OneEach && options.seconds < least {
        return Err(LiveFail::TooShort { least, cameras, got: options.seconds });
    }
    empty_folder(&options.folder)?;
    let (device, answer) = start_primary(options)?;
    let shot = Shot {
        lens: Lens::Synthetic,
        scene: Scene::Front,
        label: "P".to_owned(),
        size: options.size,
        rate: options.rate,
        file: options.folder.join("P.mp4"),
    };
    let station = Station::new(device.clone(), Wrongness::default(), shot)?;
    let mut rehearsal = Rehearsal {
        options,
        windows: answer,
        device,
        station,
        children: Children::default(),
        began: Since::now(),
        story: Story::default(),
        answering: None,
        fault: Fault::Ahead,
        pairing: 1,
        waiting: Since::now(),
    };
    let lived = rehearsal.live(&stop, progress);
    progress.stand(Vec::new());
    still(&mut rehearsal.station, &lived);
    let patience = Duration::from_secs(if lived.is_ok() { 15 } else { 1 });
    let ended = rehearsal.children.see_off(patience);
    let stopped = rehearsal.device.stop();
    lived?;
    // What went wrong here is known better than what went wrong in a child.
    stopped?;
    ended?;
    say(progress, "reading the pictures' time codes");
    outcome::of(&options.folder, options.assistants, rehearsal.story, answer)
}

/// Starts the primary with a plan that leaves time to pair; yields the planned
/// answering window.
fn start_primary(options: &Options) -> Result<(Arc<Embedded<PrimaryMachine>>, Windows), LiveFail> {
    let policy = Policy::preset("xyb-seed").map_err(|error| LiveFail::Unexpected {
        what: format!("the built-in policy is refused: {error}"),
    })?;
    let mut supply = Supply::<Primary>::folder(&options.folder);
    supply.loopback = Loopback::Allowed;
    supply.sources = Sources::Anywhere;
    supply.discovery = Discovery::Off;
    let mut planned = Err(LiveFail::NothingToScan);
    let device = Embedded::start(supply, |ground| {
        let plan = plan(ground.now, options);
        let here = Address::new(core::net::Ipv4Addr::LOCALHOST.into());
        let addresses = Addresses::new(&[here], ground.port, Loopback::Allowed)
            .map_err(|problem| diptych_driver::embed::Failure::Addresses { problem });
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                planned = Err(error);
                return Err(diptych_driver::embed::Failure::Stopped);
            }
        };
        planned = Ok(plan.windows());
        let setup = Setup {
            plan,
            policy,
            proctors: Vec::new(),
            exam: ExamTag::of("rehearsal"),
            label: label("P")?,
            addresses: Some(addresses?),
            check_code: CheckCode::Skipped,
            signer: ground.signer,
            boot: ground.boot,
            wall_ms: ground.wall_ms,
            last_exit: ground.last_exit,
            entropy: ground.entropy,
            past: ground.past,
        };
        Ok(PrimaryMachine::new(setup, ground.now)?)
    });
    match (device, planned) {
        (Ok(device), Ok(windows)) => Ok((Arc::new(device), windows)),
        (Err(failure), Ok(_)) => Err(failure.into()),
        (_, Err(error)) => Err(error),
    }
}

fn label(text: &str) -> Result<Label, diptych_driver::embed::Failure> {
    Label::new(text).map_err(|_| diptych_driver::embed::Failure::Stopped)
}

fn plan(now: Instant<Primary>, options: &Options) -> Result<Plan, LiveFail> {
    let waiting = Span::from_secs(8).times(1 + i64::from(options.assistants));
    let wait_close = now + waiting;
    let windows = Windows {
        wait_open: now,
        wait_close,
        answer_start: wait_close,
        answer_end: wait_close + Span::from_secs(options.seconds.into()),
    };
    let requirements = Requirements {
        battery_percent: 0,
        charger: Switch::Off,
        bytes_per_second: 100_000,
        heat: Heat::Critical,
        permissions: Permissions::CAMERA,
    };
    let issuer = label("Diptych rehearsal")?;
    Ok(Plan::new(Mode::Mock, issuer, options.assistants, windows, requirements)?)
}

/// Makes the folder, and refuses one that has something in it.
pub(super) fn empty_folder(folder: &Path) -> Result<(), LiveFail> {
    std::fs::create_dir_all(folder).map_err(LiveFail::file(folder))?;
    let mut inside = std::fs::read_dir(folder).map_err(LiveFail::file(folder))?;
    if inside.next().is_some() {
        return Err(LiveFail::NotEmpty { folder: folder.to_owned() });
    }
    Ok(())
}

struct Rehearsal<'a> {
    options: &'a Options,
    windows: Windows,
    device: Arc<Embedded<PrimaryMachine>>,
    station: Station<PrimaryMachine>,
    children: Children,
    began: Since,
    story: Story,
    answering: Option<Since>,
    fault: Fault,
    /// The assistant that is to pair now.
    pairing: u8,
    waiting: Since,
}

impl Rehearsal<'_> {
    fn live<W: Write>(&mut self, stop: &Stop, progress: &mut Screen<W>) -> Result<(), LiveFail> {
        self.device.ask(Command::OpenPairing { role: self.role()? })?;
        let planned = Duration::from_secs(u64::from(self.options.seconds) + 90);
        loop {
            if stop.is_asked() {
                return Err(stop.fail(&self.options.folder));
            }
            if self.began.passed() > planned {
                return Err(LiveFail::NoEnd { folder: self.options.folder.clone() });
            }
            self.watch_children()?;
            self.act_on_script();
            self.stand(progress)?;
            match self.device.next(PATIENCE) {
                Some(Told::Event(Event::Finished { incomplete })) => {
                    self.story.incomplete = incomplete;
                    return Ok(());
                }
                Some(Told::Event(event)) => {
                    if let (Event::Ticket { text, .. }, Some(window)) = (&event, progress.window())
                    {
                        // Nobody scans it here: where it does not fit, nothing is lost.
                        let code = qr::Code::new(text)?;
                        if code.lacks(window, 1).is_none() {
                            say(progress, &code.terminal());
                        }
                    }
                    self.heed(event, progress)?;
                }
                Some(Told::Trouble(trouble)) => {
                    say(progress, &format!("trouble: {}", trouble.advice()));
                }
                Some(Told::Missed(_)) | None => {}
                Some(Told::Ended) => {
                    return Err(LiveFail::NoEnd { folder: self.options.folder.clone() });
                }
            }
        }
    }

    /// Shows what holds now, to whoever watches.
    fn stand<W: Write>(&self, progress: &mut Screen<W>) -> Result<(), LiveFail> {
        if progress.wants() {
            let now = self.device.now();
            let snapshot = self.device.look(move |machine| machine.snapshot(now))?;
            let until = standing::until(self.windows, now);
            progress.stand(standing::lines(&snapshot, now, until));
        }
        Ok(())
    }

    fn role(&self) -> Result<Role, LiveFail> {
        Role::new(self.pairing).map_err(|error| LiveFail::Unexpected { what: error.to_string() })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others only have to be told")]
    fn heed(&mut self, event: Event, progress: &mut dyn Write) -> Result<(), LiveFail> {
        match event {
            Event::Ticket { role, text, .. } => self.show(role, &text, progress)?,
            Event::Paired { role, .. } => self.paired(role, progress)?,
            Event::StartRecording { take } => {
                self.station.start(take)?;
                say(progress, "all cameras were told to record");
            }
            Event::StopRecording => self.station.stop(),
            Event::Phase(phase) => self.enter(phase, progress)?,
            Event::Link { role, state } => say(progress, &format!("{role}: link {}", state.name())),
            Event::Clock { role, estimate } => self.story.clock(role, &estimate),
            other => news::tell(&other, progress),
        }
        Ok(())
    }

    /// Writes the code's picture, and starts the assistant that will read it.
    fn show(&mut self, role: Role, text: &str, progress: &mut dyn Write) -> Result<(), LiveFail> {
        let picture = self.options.folder.join(format!("{role}-code.png"));
        qr::Code::new(text)?.save_png(&picture)?;
        if self.children.has(role) {
            return Ok(());
        }
        say(progress, &format!("{role}: the code is drawn; starting the assistant to scan it"));
        self.children.start(self.options, role, &picture)?;
        self.waiting = Since::now();
        Ok(())
    }

    fn paired(&mut self, role: Role, progress: &mut dyn Write) -> Result<(), LiveFail> {
        say(progress, &format!("{role}: paired"));
        self.pairing = self.pairing.saturating_add(1);
        if self.pairing <= self.options.assistants {
            return Ok(self.device.ask(Command::OpenPairing { role: self.role()? })?);
        }
        self.waiting = Since::now();
        Ok(self.device.ask(Command::Begin)?)
    }

    fn enter(&mut self, phase: Phase, progress: &mut dyn Write) -> Result<(), LiveFail> {
        say(progress, &format!("phase {}", phase.name()));
        if phase == Phase::Answering {
            self.answering.get_or_insert_with(Since::now);
        }
        if phase == Phase::Ended {
            self.device.ask(Command::Finish)?;
        }
        Ok(())
    }

    /// Takes the primary's camera away and gives it back, as scripted.
    fn act_on_script(&mut self) {
        let (Script::OneEach, Some(since)) = (self.options.faults, &self.answering) else { return };
        let (passed, after) = (since.passed(), fault_at(Role::PRIMARY));
        if self.fault == Fault::Ahead && passed >= after {
            self.station.interrupt();
            self.fault = Fault::Now;
        }
        if self.fault == Fault::Now && passed >= after.saturating_add(FAULT_LENGTH) {
            self.station.resume();
            self.fault = Fault::Past;
        }
    }

    fn watch_children(&mut self) -> Result<(), LiveFail> {
        self.children.check()?;
        let pairing = self.pairing <= self.options.assistants;
        if pairing && self.waiting.passed() > Duration::from_secs(PAIRING_SECONDS.into()) {
            let role = self.role()?;
            return Err(LiveFail::NotPaired { role, seconds: PAIRING_SECONDS });
        }
        Ok(())
    }
}
