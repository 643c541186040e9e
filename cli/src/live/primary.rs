//! `diptych primary`: shows the code, leads the session, records.
//!
//! One code at a time is shown: the next seat opens when the last one is taken.
//! Cameras start as soon as everybody is there, and the plan ends the session, so
//! that nobody has to be at the desk.

mod typed;

use std::collections::{BTreeSet, VecDeque};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diptych_driver::embed::{Discovery, Embedded, Failure, Reach, Supply, Told};
use diptych_driver::quic::{Sockets, Sources};
use diptych_protocol::address::Loopback;
use diptych_protocol::identity::{Fingerprint, Label, Role};
use diptych_protocol::ledger::Observed;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::plan::{Phase, Windows};
use diptych_protocol::primary::{Command, Event, PrimaryMachine, Setup, Snapshot};
use diptych_protocol::session::Refused;
use diptych_protocol::time::Primary;

use super::account::account;
use super::board::Board;
use super::exam::Exam;
use super::fail::LiveFail;
use super::invitation;
use super::life::{Lived, PATIENCE, part, say, to_the_end};
use super::network::Network;
use super::news;
use super::prompt::Desk;
use super::room::Room;
use super::screen::Screen;
use super::since::Since;
use super::standing;
use super::station::{Shot, Station, Wrongness};
use super::stop::Stop;
use crate::camera::{Lens, Scene};
use crate::exit::Exit;
use crate::picture::Size;
use crate::qr;

/// How long the assistants may take to fetch the last of the journal.
const PARTING: Duration = Duration::from_secs(4);

/// What a primary is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plan; not needed to go on with a session.
    pub plan: Option<PathBuf>,
    /// Where journals, keys and recording are kept; the same folder is the same
    /// session.
    pub folder: PathBuf,
    /// What this device is called on the assistants' screens.
    pub label: Label,
    /// Whose statements are taken.
    pub proctors: Vec<Fingerprint>,
    /// The addresses in the code, instead of the device's own.
    pub advertise: Vec<SocketAddr>,
    /// The local address to listen on.
    pub bind: Option<SocketAddr>,
    /// Where to draw the code, instead of in the terminal.
    pub qr_png: Option<PathBuf>,
    /// Whether an assistant may be on this very machine.
    pub loopback: Loopback,
    /// Where files say that camera, sound or screen are away.
    pub away_in: Option<PathBuf>,
    /// What it films with.
    pub lens: Lens,
    /// Of the pictures.
    pub size: Size,
    /// Pictures in a second.
    pub rate: u8,
}

/// Runs a primary until its session is over; the exit is the verdict's.
///
/// # Errors
/// [`LiveFail`]; what was recorded until then stays in the folder.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<Exit, LiveFail> {
    let stop = Stop::listen();
    options.lens.check(options.size, options.rate)?;
    let mut screen = Screen::of_output(&mut *out);
    let lived =
        to_the_end(&mut screen, |last_exit, screen| lead(options, last_exit, &stop, screen));
    screen.stand(Vec::new());
    lived?;
    account(&options.folder, &options.proctors, &mut screen)
}

/// Leads the session that is in the folder, or begins it.
fn lead<W: Write>(
    options: &Options,
    last_exit: Observed,
    stop: &Stop,
    out: &mut Screen<W>,
) -> Result<Lived, LiveFail> {
    let exam = Exam::of(&options.folder, options.plan.as_deref())?;
    let (assistants, windows) = (exam.plan.assistants(), exam.plan.windows());
    let (device, reach) = start(options, exam, last_exit)?;
    let device = Arc::new(device);
    say(out, &format!("listening on UDP port {}", device.port()));
    let shot = Shot {
        lens: options.lens.clone(),
        scene: Scene::Front,
        label: "P".to_owned(),
        size: options.size,
        rate: options.rate,
        file: options.folder.join("P.mp4"),
    };
    let station = Station::new(device.clone(), Wrongness::default(), shot)?;
    let mut lead = Lead {
        options,
        network: Network::of(&device),
        reach,
        device,
        station,
        desk: Desk::open(),
        board: Board::default(),
        assistants,
        windows,
        unseen: false,
        met: false,
        replacing: BTreeSet::new(),
        asked: VecDeque::new(),
        room: Room::of(&options.folder),
        marked: false,
    };
    let lived = lead.live(stop, out);
    part(&mut lead.station, &lead.device, lived)
}

fn start(
    options: &Options,
    exam: Exam,
    last_exit: Observed,
) -> Result<(Embedded<PrimaryMachine>, Reach), LiveFail> {
    let mut supply = Supply::<Primary>::folder(&options.folder);
    supply.last_exit = last_exit;
    supply.sockets = options.bind.map_or(Sockets::Port(0), Sockets::Address);
    supply.loopback = options.loopback;
    if options.loopback == Loopback::Allowed {
        supply.discovery = Discovery::Off;
    }
    // Behind a redirected port the assistant comes from anywhere.
    if !options.advertise.is_empty() {
        supply.sources = Sources::Anywhere;
    }
    let reach = Reach::new(options.advertise.clone(), &supply);
    let (label, proctors) = (options.label, options.proctors.clone());
    let device = Embedded::start(supply, |ground| {
        let setup = Setup {
            plan: exam.plan,
            policy: exam.policy,
            proctors,
            exam: exam.tag,
            label,
            addresses: reach.addresses(ground.port, &ground.candidates)?,
            check_code: exam.check_code,
            signer: ground.signer,
            boot: ground.boot,
            wall_ms: ground.wall_ms,
            last_exit: ground.last_exit,
            entropy: ground.entropy,
            past: ground.past,
        };
        Ok(PrimaryMachine::new(setup, ground.now)?)
    })?;
    Ok((device, reach))
}

struct Lead<'a> {
    options: &'a Options,
    device: Arc<Embedded<PrimaryMachine>>,
    network: Network,
    reach: Reach,
    station: Station<PrimaryMachine>,
    desk: Desk,
    board: Board,
    assistants: u8,
    windows: Windows,
    /// A seat is to be opened, and there is no network to be found in.
    unseen: bool,
    /// Somebody was connected in this run.
    met: bool,
    /// Taken seats whose code is shown.
    replacing: BTreeSet<Role>,
    /// Seats of which it was asked whether both screens show the same digits.
    asked: VecDeque<Role>,
    room: Room,
    /// Whether it was said what to compare beside a code in a file.
    marked: bool,
}

impl Lead<'_> {
    fn live<W: Write>(&mut self, stop: &Stop, out: &mut Screen<W>) -> Result<Lived, LiveFail> {
        self.next_seat(out)?;
        self.ask_again(out)?;
        let mut finished: Option<Since> = None;
        loop {
            if stop.is_asked() {
                return Err(stop.fail(&self.options.folder));
            }
            if self.room.is_back() {
                return Ok(Lived::UntilRoom);
            }
            self.station.obey(self.options.away_in.as_deref());
            self.station.revive();
            self.look_around(out)?;
            self.stand(out)?;
            self.listen(out)?;
            if let Some(since) = &finished
                && (since.passed() > PARTING || (self.met && self.everybody_left()?))
            {
                return Ok(Lived::ToTheEnd);
            }
            match self.device.next(PATIENCE) {
                Some(Told::Event(Event::Finished { incomplete })) => {
                    for role in incomplete {
                        say(out, &format!("{role}: its journal did not arrive whole"));
                    }
                    finished = Some(Since::now());
                }
                Some(Told::Event(event)) => {
                    self.met |= matches!(event, Event::Link { .. });
                    self.heed(event, out)?;
                }
                Some(Told::Trouble(trouble)) => say(out, &format!("trouble: {}", trouble.advice())),
                Some(Told::Missed(_)) | None => {}
                Some(Told::Ended) => return Ok(Lived::ToTheEnd),
            }
        }
    }

    fn snapshot(&self) -> Result<Snapshot, LiveFail> {
        let now = self.device.now();
        Ok(self.device.look(move |machine| machine.snapshot(now))?)
    }

    /// Shows what holds now, to whoever watches, and the code where it fits.
    fn stand<W: Write>(&mut self, out: &mut Screen<W>) -> Result<(), LiveFail> {
        self.board.look(out)?;
        if out.wants() {
            let now = self.device.now();
            out.stand(standing::lines(&self.snapshot()?, now, standing::until(self.windows, now)));
        }
        Ok(())
    }

    fn everybody_left(&self) -> Result<bool, LiveFail> {
        Ok(self.snapshot()?.seats.iter().all(|seat| seat.link == LinkState::Down))
    }

    /// Takes the addresses of a network that came. `[SESSION-19]` `[SESSION-34]`
    fn look_around(&mut self, out: &mut dyn Write) -> Result<(), LiveFail> {
        if !self.network.changed(&self.device) {
            return Ok(());
        }
        self.reach.renew(&self.device)?;
        if core::mem::take(&mut self.unseen) {
            self.next_seat(out)?;
        }
        Ok(())
    }

    /// Opens the first empty seat, or starts the cameras if there is none.
    fn next_seat(&mut self, out: &mut dyn Write) -> Result<(), LiveFail> {
        if let Some(empty) = self.snapshot()?.seats.iter().find(|seat| seat.label.is_none()) {
            let (role, all) = (empty.role, self.assistants);
            say(out, &format!("waiting for {role} of {all}: scan this on the assistant"));
        }
        match self.device.ask(Command::Prepare) {
            Err(Failure::Refused { refused: Refused::NoNetwork }) => {
                self.unseen = true;
                say(out, "no network: join one that the assistants can reach");
                Ok(())
            }
            // A session that goes on may be over.
            Err(Failure::Refused { refused: Refused::Over }) => Ok(()),
            other => Ok(other?),
        }
    }

    fn heed<W: Write>(&mut self, event: Event, out: &mut Screen<W>) -> Result<(), LiveFail> {
        match event {
            Event::Ticket { text, .. } => self.show(&text, out)?,
            Event::Paired { role, label, check_code } => {
                if self.replacing.remove(&role) {
                    say(out, &format!("{role}: replaced by {label}"));
                } else {
                    say(out, &format!("{role}: paired with {label}"));
                }
                match check_code {
                    Some(code) => self.ask_about(role, code, out),
                    None => self.next_seat(out)?,
                }
            }
            Event::StartRecording { take } => {
                self.station.start(take)?;
                say(out, "all cameras were told to record");
            }
            Event::StopRecording => self.station.stop(),
            Event::Phase(phase) => {
                say(out, &format!("phase {}", phase.name()));
                if phase == Phase::Ended {
                    self.device.ask(Command::Finish)?;
                }
            }
            Event::StorageFailed => {
                self.room.ran_out();
                news::tell(&event, out);
            }
            Event::TicketWithdrawn { .. } => self.board.clear(),
            Event::Clock { .. } | Event::Finished { .. } => {}
            Event::CameraLost { role, .. } => {
                news::tell(&event, out);
                news::count_down(role, &self.snapshot()?, out);
            }
            other @ (Event::AllRecording
            | Event::NotReady { .. }
            | Event::CameraBack { .. }
            | Event::Overdue { .. }
            | Event::Tally(_)
            | Event::Link { .. }
            | Event::Device { .. }
            | Event::Alarm { .. }
            | Event::CannotReturn { .. }
            | Event::VerifyAgain) => news::tell(&other, out),
        }
        Ok(())
    }

    fn show<W: Write>(&mut self, text: &str, out: &mut Screen<W>) -> Result<(), LiveFail> {
        let Some(path) = &self.options.qr_png else { return self.board.show(text, out) };
        qr::Code::new(text)?.save_png(path)?;
        // It is the same for every code of a session, and a log is not a screen.
        if !core::mem::replace(&mut self.marked, true)
            && let Some(marks) = invitation::beside(text)
        {
            say(out, &marks);
        }
        Ok(())
    }
}
