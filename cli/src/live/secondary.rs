//! `diptych secondary`: an assistant, as a process.

mod asked;
mod scanned;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diptych_driver::embed::{Discovery, Embedded, Supply, Told};
use diptych_driver::quic::Sources;
use diptych_protocol::address::Loopback;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::Label;
use diptych_protocol::ledger::Observed;
use diptych_protocol::plan::Phase;
use diptych_protocol::secondary::{
    Command, Consent, Ending, Event, Failure, SecondaryMachine, Setup,
};
use diptych_protocol::ticket::Ticket;
use diptych_protocol::time::{Secondary, Span};

use super::fail::LiveFail;
use super::invitation;
use super::life::{Lived, PATIENCE, STORAGE_FAILED, part, say, to_the_end};
use super::network::Network;
use super::news::{tenths, thousandths};
use super::prompt::{Desk, Heard, echo};
use super::room::Room;
use super::screen::Screen;
use super::since::Since;
use super::standing;
use super::station::{Shot, Station, Wrongness, wrong_clock};
use super::stop::Stop;
use crate::camera::{Lens, Scene};
use crate::exit::Exit;
use crate::picture::Size;
use scanned::Code;

/// What an assistant is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its journals and keys are kept; the same folder is the same session.
    pub folder: PathBuf,
    /// Where its recording goes.
    pub recording: PathBuf,
    /// Where the code can be seen.
    pub scan: Option<Scan>,
    /// The text of the code.
    pub ticket: Option<String>,
    /// What it is called on the primary's screen.
    pub label: Label,
    /// Whether its user is asked, or has agreed beforehand.
    pub consent: Asked,
    /// Whether the primary may be on this very machine.
    pub loopback: Loopback,
    /// How wrong its clock is, on purpose.
    pub wrongness: Wrongness,
    /// When its camera is taken away, after answering has begun, and for how long.
    pub camera_off: Option<(Duration, Duration)>,
    /// Where files say that camera, sound or screen are away.
    pub away_in: Option<PathBuf>,
    /// What it films with.
    pub lens: Lens,
    /// Of its pictures.
    pub size: Size,
    /// Pictures in a second.
    pub rate: u8,
}

/// Where a code can be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scan {
    /// In front of the device's own camera.
    Camera,
    /// In a PNG or JPEG file.
    Picture(PathBuf),
}

/// Whether the user is asked for consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// On standard input.
    Now,
    /// On the command line.
    Beforehand,
}

/// Runs an assistant until its session is over.
///
/// # Errors
/// [`LiveFail`].
pub fn run(options: &Options, out: &mut dyn Write) -> Result<Exit, LiveFail> {
    let stop = Stop::listen();
    options.lens.check(options.size, options.rate)?;
    let mut screen = Screen::of_output(&mut *out);
    let lived =
        to_the_end(&mut screen, |last_exit, screen| assist(options, last_exit, &stop, screen));
    screen.stand(Vec::new());
    lived.map(|()| Exit::Done)
}

/// Takes part in the session that is in the folder, or in the one that is scanned.
fn assist<W: Write>(
    options: &Options,
    last_exit: Observed,
    stop: &Stop,
    out: &mut Screen<W>,
) -> Result<Lived, LiveFail> {
    let code = scanned::beforehand(options)?;
    let mut supply = Supply::<Secondary>::folder(&options.folder);
    supply.last_exit = last_exit;
    supply.clock = Some(wrong_clock(options.wrongness));
    supply.loopback = options.loopback;
    if options.loopback == Loopback::Allowed {
        supply.sources = Sources::Anywhere;
        supply.discovery = Discovery::Off;
    }
    let label = options.label;
    // Asked before it runs: a primary that refuses it at once would leave no seat to see.
    let mut seated = false;
    let device = Embedded::start(supply, |ground| {
        let setup = Setup {
            label,
            signer: ground.signer,
            boot: ground.boot,
            wall_ms: ground.wall_ms,
            last_exit: ground.last_exit,
            entropy: ground.entropy,
            past: ground.past,
        };
        let machine = SecondaryMachine::new(setup, ground.now)?;
        seated = machine.snapshot(ground.now).role.is_some();
        Ok(machine)
    })?;
    let device = Arc::new(device);
    let shot = Shot {
        lens: options.lens.clone(),
        scene: Scene::Behind,
        label: label.to_string(),
        size: options.size,
        rate: options.rate,
        file: options.recording.clone(),
    };
    let station = Station::new(device.clone(), options.wrongness, shot)?;
    let mut assistant = Assistant {
        network: Network::of(&device),
        device,
        station,
        options,
        agreed: Since::now(),
        code,
        read: None,
        invited: None,
        told_old: false,
        desk: Desk::open(),
        seated,
        answering: None,
        recording: None,
        fault: Fault::Ahead,
        room: Room::of(&options.folder),
    };
    let lived = assistant.live(stop, out);
    part(&mut assistant.station, &assistant.device, lived)
}

/// Where the scripted interruption stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// Not begun.
    Ahead,
    /// The camera is away.
    Now,
    /// Over.
    Past,
}

struct Assistant<'a> {
    network: Network,
    device: Arc<Embedded<SecondaryMachine>>,
    station: Station<SecondaryMachine>,
    options: &'a Options,
    /// When the user agreed to what the code asks.
    agreed: Since,
    /// The code that was read before anything was made, until it is used.
    code: Option<Code>,
    /// The text of the code that was read last.
    read: Option<String>,
    /// What that code says.
    invited: Option<Ticket>,
    /// Whether it was said that the code has had its time.
    told_old: bool,
    desk: Desk,
    /// Whether this device has held itself for paired.
    seated: bool,
    answering: Option<Since>,
    /// Since when the camera has recorded without a break.
    recording: Option<Since>,
    fault: Fault,
    room: Room,
}

impl Assistant<'_> {
    fn live<W: Write>(&mut self, stop: &Stop, out: &mut Screen<W>) -> Result<Lived, LiveFail> {
        if !self.seated {
            self.scan(stop, out)?;
        }
        loop {
            if stop.is_asked() {
                return Err(stop.fail(&self.options.folder));
            }
            if self.room.is_back() {
                return Ok(Lived::UntilRoom);
            }
            self.act_on_script();
            self.station.revive();
            self.station.obey(self.options.away_in.as_deref());
            if self.network.changed(&self.device) {
                self.device.network_changed()?;
            }
            self.stand(out)?;
            if let Heard::Line(line) = self.desk.heard() {
                echo(out);
                self.typed(&line, out)?;
            }
            match self.device.next(PATIENCE) {
                Some(Told::Event(event)) => {
                    if self.heed(event, stop, out)? {
                        return Ok(Lived::ToTheEnd);
                    }
                }
                Some(Told::Trouble(trouble)) => self.trouble(trouble, out),
                Some(Told::Missed(_)) | None => {}
                Some(Told::Ended) => return Ok(Lived::ToTheEnd),
            }
        }
    }

    /// Shows what holds now, to whoever watches.
    fn stand<W: Write>(&self, out: &mut Screen<W>) -> Result<(), LiveFail> {
        if out.wants() {
            let now = self.device.now();
            let look = move |machine: &SecondaryMachine| {
                (machine.snapshot(now), machine.primary_time(now).map(|there| there.at))
            };
            let (snapshot, there) = self.device.look(look)?;
            let recording = self.recording.map(|since| Span::from_nanos(since.ns()));
            let holds = standing::Assistant { snapshot: &snapshot, now, there, recording };
            out.stand(holds.lines());
        }
        Ok(())
    }

    /// Whether the session is over.
    fn heed(&mut self, event: Event, stop: &Stop, out: &mut dyn Write) -> Result<bool, LiveFail> {
        match event {
            Event::ConsentNeeded(asked) => {
                let consent = self.consent(&asked, stop, out)?;
                // How long a person thinks is no part of how long pairing takes.
                self.agreed = Since::now();
                self.device.ask(Command::Consent(consent))?;
                if consent == Consent::Given {
                    say(out, "looking for the primary");
                }
            }
            Event::Paired { role, label, check_code } => {
                self.seated = true;
                let took = thousandths(self.agreed.ns());
                say(out, &format!("paired as {role} with {label} after {took}"));
                if let Some(code) = check_code {
                    say(out, &format!("compare on both screens: {code:06}"));
                }
            }
            Event::PairingFailed(failure) => {
                let late = self.seated && failure == Failure::Refused(CloseCode::Expired);
                let lost = matches!(failure, Failure::Lost(_));
                let invited = self.invited.as_ref().filter(|_| lost);
                let old = invited.and_then(invitation::outlived);
                let failure = LiveFail::Pairing { failure, old };
                if !late {
                    return Err(failure);
                }
                self.scan_again(failure, stop, out)?;
            }
            Event::StartRecording { take } => {
                self.station.start(take)?;
                self.recording = Some(Since::now());
                say(out, "recording");
            }
            Event::StopRecording => {
                self.station.stop();
                self.recording = None;
                say(out, "recording stopped");
            }
            Event::Phase(phase) => {
                say(out, &format!("phase {}", phase.name()));
                if phase == Phase::Answering {
                    self.answering.get_or_insert_with(Since::now);
                }
            }
            Event::CameraBack { lost } => {
                self.recording = Some(Since::now());
                say(out, &format!("camera back after {}", tenths(lost)));
            }
            Event::StorageFailed => {
                self.room.ran_out();
                say(out, STORAGE_FAILED);
            }
            Event::Finished(Ending::Removed(code)) => return Err(LiveFail::Removed(code)),
            Event::Finished(ending @ (Ending::Finished | Ending::Left)) => {
                let left = "left the session: what was recorded stays here";
                say(out, if ending == Ending::Left { left } else { "finished" });
                return Ok(true);
            }
            Event::Plan(plan) => say(out, &invitation::told(&plan)),
            Event::Clock(_) => {}
            other @ (Event::Link(_)
            | Event::CameraLost { .. }
            | Event::Shortfalls(_)
            | Event::Alarm(_)) => asked::tell(&other, out),
        }
        Ok(false)
    }

    /// Takes the camera away and gives it back, as scripted.
    fn act_on_script(&mut self) {
        let (Some((after, length)), Some(since)) = (self.options.camera_off, &self.answering)
        else {
            return;
        };
        let passed = since.passed();
        if self.fault == Fault::Ahead && passed >= after {
            self.station.interrupt();
            self.fault = Fault::Now;
        }
        if self.fault == Fault::Now && passed >= after.saturating_add(length) {
            self.station.resume();
            self.fault = Fault::Past;
        }
    }
}
