//! `diptych rehearse --faults`: a script acted on real processes.
//!
//! The director is neither device. It starts both as processes, holds the network
//! between them, does to them what the script says, and knows therefore what is
//! true. What the devices' journals say afterwards is held against that. Rejected:
//! to be the primary as well, as the plain rehearsal is; a director who is killed
//! directs nothing.

mod network;
mod process;

use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diptych_driver::clock::{BootClock, Clock};
use diptych_protocol::identity::Role;
use diptych_protocol::journal::replay;
use diptych_protocol::policy::{Judgement, Policy};
use diptych_protocol::report::evaluate;
use diptych_protocol::time::Primary;
use serde::Serialize;

use self::network::Network;
use self::process::Process;
use super::fail::LiveFail;
use super::faults::{Action, Fault, Faults};
use super::life::{PATIENCE, say};
use super::rehearse::empty_folder;
use super::since::Since;
use super::station::Away;
use super::stop::Stop;
use crate::exit::Exit;
use crate::picture::Size;

/// How long the devices have to pair and to record.
const READY_SECONDS: u64 = 15;
/// How long both may take to end after answering.
const PARTING: Duration = Duration::from_secs(30);

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything goes.
    pub folder: PathBuf,
    /// What goes wrong.
    pub faults: Faults,
    /// Of the pictures.
    pub size: Size,
}

/// The script's truth and what the report says.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// What the script amounts to.
    pub truth: Answer,
    /// What the journals amount to.
    pub report: Answer,
    /// The folder with the journals and the report.
    pub folder: PathBuf,
    /// Whom SIGKILL ended, and when.
    #[serde(skip)]
    pub killed: Vec<Killed>,
}

/// A process that was killed, by this machine's boot clock, which is session time
/// here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Killed {
    /// Whose.
    pub role: Role,
    /// When.
    pub at_ns: i64,
    /// When it was started again.
    pub started_ns: i64,
}

/// A verdict and its count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Answer {
    /// `PASS`, `FAIL`, `UNDETERMINED` or `NOT_READY`.
    pub verdict: &'static str,
    /// Interruptions that count, at least.
    pub count_min: u32,
    /// Interruptions that count, at most.
    pub count_max: u32,
    /// What the judge says beside it, such as `HICCUP`.
    pub flags: Vec<&'static str>,
}

impl Answer {
    fn of(judgement: &Judgement) -> Self {
        let Judgement { verdict, count_min, count_max, flags, .. } = judgement;
        let flags = flags.iter().map(|flag| flag.name()).collect();
        Self { verdict: verdict.name(), count_min: *count_min, count_max: *count_max, flags }
    }
}

impl core::fmt::Display for Answer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}, {}", self.verdict, self.count_min)?;
        if self.count_max > self.count_min {
            write!(f, " to {}", self.count_max)?;
        }
        f.write_str(" counted")?;
        self.flags.iter().try_for_each(|flag| write!(f, " {flag}"))
    }
}

impl Held {
    /// Whether the report says what is true.
    ///
    /// # Errors
    /// [`LiveFail::Unexpected`] says both.
    pub fn check(&self) -> Result<(), LiveFail> {
        // A real camera may stumble where the script says nothing; what the script
        // does say has to be there.
        let flags = self.truth.flags.iter().all(|flag| self.report.flags.contains(flag));
        let of = |answer: &Answer| (answer.verdict, answer.count_min, answer.count_max);
        if flags && of(&self.truth) == of(&self.report) {
            return Ok(());
        }
        let what = format!("the script amounts to {}, the report to {}", self.truth, self.report);
        Err(LiveFail::Unexpected { what })
    }
}

/// Runs the script and holds the report against it.
///
/// # Errors
/// [`LiveFail`]; what was recorded until then stays in the folder.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<Held, LiveFail> {
    let stop = Stop::listen();
    empty_folder(&options.folder)?;
    let policy = Policy::preset("xyb-seed")
        .map_err(|error| LiveFail::Unexpected { what: error.to_string() })?;
    let truth = Answer::of(&options.faults.truth(&policy));
    let mut stage = Stage::set(options)?;
    stage.live(options, &stop, out)?;
    let (folder, killed) = (stage.primary.folder.clone(), stage.killed.clone());
    drop(stage);
    let mut journals = Vec::new();
    for role in ["P", "A1"] {
        let path = folder.join(format!("{role}.journal"));
        let bytes = std::fs::read(&path).map_err(LiveFail::file(&path))?;
        journals.push(replay(&bytes).map_err(|error| LiveFail::Journal { path, error })?);
    }
    let report = Answer::of(&evaluate(&journals, None)?.judgement);
    Ok(Held { truth, report, folder, killed })
}

/// Both devices and the network between them.
struct Stage {
    primary: Process,
    assistant: Process,
    network: Network,
    code: PathBuf,
    killed: Vec<Killed>,
}

impl Stage {
    fn set(options: &Options) -> Result<Self, LiveFail> {
        let here = || LiveFail::file("127.0.0.1");
        let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let bind = free.map_err(here())?;
        let network = Network::open(bind).map_err(here())?;
        let path = |name: &str| options.folder.join(name);
        let (folder, plan, code) = (path("P"), path("exam.toml"), path("code.png"));
        let text = plan_text(options.faults.seconds());
        std::fs::write(&plan, text).map_err(LiveFail::file(&plan))?;
        let shown = |path: &Path| path.display().to_string();
        let mut lead = vec!["primary".to_owned(), "--loopback".into(), "--plan".into()];
        lead.extend([shown(&plan), "--out".into(), shown(&folder)]);
        lead.extend(["--bind".into(), bind.to_string(), "--qr-png".into(), shown(&code)]);
        for door in network.doors().map_err(here())? {
            lead.extend(["--advertise".into(), door.to_string()]);
        }
        if options.size == Size::SMALL {
            lead.push("--small".into());
        }
        let mut primary = Process::new(lead, folder);
        primary.obey_files();
        let folder = path("A1");
        let mut follow = vec!["secondary".to_owned(), "--loopback".into(), "--yes".into()];
        follow.extend(["--scan".into(), shown(&code), "--out".into(), shown(&folder)]);
        // Beside the journals, so that the session is one folder.
        follow.extend(["--recording".into(), shown(&primary.folder.join("A1.mp4"))]);
        follow.extend(["--width".into(), options.size.width().to_string()]);
        follow.extend(["--height".into(), options.size.height().to_string()]);
        follow.extend(["--clock-offset-ms".into(), "30000".into()]);
        follow.extend(["--clock-ppb".into(), "80000".into()]);
        let mut assistant = Process::new(follow, folder);
        assistant.obey_files();
        Ok(Self { primary, assistant, network, code, killed: Vec::new() })
    }

    fn live(
        &mut self,
        options: &Options,
        stop: &Stop,
        out: &mut dyn Write,
    ) -> Result<(), LiveFail> {
        say(out, "starting the primary");
        self.primary.start().map_err(LiveFail::file(&self.primary.folder))?;
        let began = Since::now();
        let ready = Duration::from_secs(READY_SECONDS + 10);
        let mut scanning = false;
        while !self.primary.said().contains("phase ANSWERING") {
            if stop.is_asked() {
                return Err(stop.fail(&options.folder));
            }
            if !scanning && self.code.exists() {
                scanning = true;
                say(out, "the code is drawn; starting the assistant to scan it");
                self.assistant.start().map_err(LiveFail::file(&self.assistant.folder))?;
            }
            self.no_end(Role::PRIMARY)?;
            if began.passed() > ready {
                return Err(LiveFail::NoEnd { folder: options.folder.clone() });
            }
            std::thread::sleep(PATIENCE);
        }
        say(out, "answering has begun");
        let since = Since::now();
        for (at, fault, step) in steps(&options.faults) {
            while since.passed() < at {
                if stop.is_asked() {
                    return Err(stop.fail(&options.folder));
                }
                std::thread::sleep(at.saturating_sub(since.passed()).min(PATIENCE));
            }
            say(out, &format!("{:>5.1} s  {}", since.passed().as_secs_f64(), told(fault, step)));
            self.act(fault.action, step).map_err(LiveFail::file(&options.folder))?;
        }
        say(out, "the script is over; waiting for the end of answering");
        let end = Duration::from_secs(options.faults.seconds()).saturating_add(PARTING);
        loop {
            if stop.is_asked() {
                return Err(stop.fail(&options.folder));
            }
            let both = self.is_over(Role::PRIMARY)?
                & self.is_over(Role::new(1).unwrap_or(Role::PRIMARY))?;
            if both {
                return Ok(());
            }
            if since.passed() > end {
                return Err(LiveFail::NoEnd { folder: options.folder.clone() });
            }
            std::thread::sleep(PATIENCE);
        }
    }

    fn device(&mut self, role: Role) -> &mut Process {
        if role.is_primary() { &mut self.primary } else { &mut self.assistant }
    }

    fn act(&mut self, action: Action, step: Step) -> std::io::Result<()> {
        match (action, step) {
            (Action::Away(what, role), Step::Begin) => {
                std::fs::write(self.device(role).away_file(what), "")
            }
            (Action::Away(what, role), Step::End) => {
                std::fs::remove_file(self.device(role).away_file(what))
            }
            (Action::Kill(role), Step::Begin) => {
                self.device(role).kill()?;
                let (at_ns, started_ns) = (now_ns(), i64::MAX);
                self.killed.push(Killed { role, at_ns, started_ns });
                Ok(())
            }
            (Action::Kill(role), Step::End) => {
                if let Some(killed) = self.killed.iter_mut().rfind(|killed| killed.role == role) {
                    killed.started_ns = now_ns();
                }
                self.device(role).start()
            }
            (Action::Sleep(role), step) => self.device(role).freeze(step == Step::Begin),
            (Action::LinkDown, step) => {
                self.network.cut(step == Step::Begin);
                Ok(())
            }
            (Action::Roam(role), _) if role.is_primary() => {
                self.network.move_primary();
                Ok(())
            }
            (Action::Roam(_), _) => self.network.move_assistant(),
        }
    }

    /// Fails if a device ended before it should.
    fn no_end(&mut self, role: Role) -> Result<(), LiveFail> {
        if self.is_over(role)? {
            let how = "before answering".to_owned();
            return Err(LiveFail::Child { role, how, exit: Exit::Defect });
        }
        Ok(())
    }

    /// Whether a device ended as it should; a primary ends with its verdict.
    fn is_over(&mut self, role: Role) -> Result<bool, LiveFail> {
        let folder = self.device(role).folder.clone();
        let ended = self.device(role).ended().map_err(LiveFail::file(folder))?;
        let Some(status) = ended else { return Ok(false) };
        let verdicts = [Exit::Done, Exit::Fail, Exit::Undetermined, Exit::NotReady];
        let code = status.code();
        if verdicts.iter().any(|exit| Some(i32::from(exit.code())) == code) {
            return Ok(true);
        }
        Err(LiveFail::child(role, status, &self.device(role).said()))
    }
}

fn now_ns() -> i64 {
    Clock::<Primary>::now(&BootClock::new()).nanos()
}

impl Process {
    /// Lets the director take camera, sound and screen away.
    fn obey_files(&mut self) {
        let folder = self.folder.display().to_string();
        self.also(["--away-in".to_owned(), folder]);
    }
}

/// Whether a fault begins or is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Begin,
    End,
}

/// What is to be done, in order.
fn steps(faults: &Faults) -> Vec<(Duration, Fault, Step)> {
    let mut steps = Vec::new();
    for fault in faults.all() {
        steps.push((fault.at, *fault, Step::Begin));
        if !matches!(fault.action, Action::Roam(_)) {
            steps.push((fault.at.saturating_add(fault.length), *fault, Step::End));
        }
    }
    steps.sort_by_key(|(at, ..)| *at);
    steps
}

fn told(fault: Fault, step: Step) -> String {
    match (fault.action, step) {
        (Action::Away(what, role), step) => {
            let change = match (what, step) {
                (Away::Camera, Step::Begin) => "the camera is taken away",
                (Away::Camera, Step::End) => "the camera is given back",
                (Away::Sound, Step::Begin) => "the microphone is taken away",
                (Away::Sound, Step::End) => "the microphone is given back",
                (Away::Screen, Step::Begin) => "the exam's screen is left",
                (Away::Screen, Step::End) => "the exam's screen is back",
            };
            format!("{role}: {change}")
        }
        (Action::Kill(role), Step::Begin) => format!("{role}: killed"),
        (Action::Kill(role), Step::End) => format!("{role}: started again"),
        (Action::Sleep(role), Step::Begin) => format!("{role}: frozen"),
        (Action::Sleep(role), Step::End) => format!("{role}: goes on"),
        (Action::LinkDown, Step::Begin) => "the link is cut".to_owned(),
        (Action::LinkDown, Step::End) => "the link is there again".to_owned(),
        (Action::Roam(role), _) => format!("{role}: its address changes"),
    }
}

fn plan_text(seconds: u64) -> String {
    let end = READY_SECONDS.saturating_add(seconds);
    format!(
        "mode = \"mock\"\nissuer = \"Diptych rehearsal\"\nexam = \"rehearsal\"\nassistants = 1\n\n\
         [windows]\nwait_open = \"now\"\nwait_close = \"in {READY_SECONDS} s\"\n\
         answer_start = \"in {READY_SECONDS} s\"\nanswer_end = \"in {end} s\"\n\n\
         [policy]\npreset = \"xyb-seed\"\n\n\
         [requirements]\nbattery_percent = 0\nbytes_per_second = 100000\n"
    )
}
