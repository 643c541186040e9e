//! `diptych rehearse`, `primary` and `secondary`: from words to devices.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diptych_protocol::address::Loopback;
use diptych_protocol::identity::Label;
use diptych_protocol::time::Span;

use super::kills;
use super::statement::fingerprints;
use crate::args::{PrimaryArgs, RehearseArgs, SecondaryArgs};
use crate::camera::Lens;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::live::director;
use crate::live::faults;
use crate::live::primary;
use crate::live::rehearse;
use crate::live::screen::Screen;
use crate::live::script::{Script, least_seconds};
use crate::live::secondary::{self, Asked, Scan};
use crate::live::station::Wrongness;
use crate::picture::Size;

/// Pictures in a second, of small pictures.
const SMALL_RATE: u8 = 15;
/// How long answering lasts in a rehearsal, unless cameras need longer.
const SECONDS: u32 = 30;
/// Pictures in a second.
const RATE: u8 = 30;

pub(crate) fn rehearse(args: RehearseArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let named =
        || PathBuf::from(format!("rehearsal-{}", jiff::Zoned::now().strftime("%Y%m%d-%H%M%S")));
    let size = if args.small { Size::SMALL } else { Size::DEFAULT };
    if let Some(script) = args.faults {
        let faults = read_faults(&script)?;
        let folder = args.out.unwrap_or_else(named);
        let held = direct(director::Options { folder, faults, size })?;
        if args.json {
            write_json(&held, out)?;
        } else {
            let director::Held { truth, report, folder, .. } = &held;
            writeln!(out, "the script: {truth}\nthe report: {report}")?;
            writeln!(out, "journals and report are in {}", folder.display())?;
        }
        held.check()?;
        return Ok(Exit::Done);
    }
    if let Some(kills) = args.kills {
        let folder = args.out.unwrap_or_else(named);
        let asked = kills::Asked { kills, seed: args.seed, folder, size };
        let figures = kills::run(&asked, &mut std::io::stderr())?;
        if args.json {
            write_json(&figures, out)?;
        } else {
            write!(out, "{}", figures.summary())?;
        }
        figures.check()?;
        return Ok(Exit::Done);
    }
    let cameras = u32::from(args.assistants) + 1;
    let options = rehearse::Options {
        seconds: args.seconds.unwrap_or_else(|| least_seconds(cameras).max(SECONDS)),
        assistants: args.assistants,
        folder: args.out.unwrap_or_else(named),
        faults: if args.no_faults { Script::Quiet } else { Script::OneEach },
        size,
        rate: if args.small { SMALL_RATE } else { RATE },
    };
    let outcome = rehearse::run(&options, &mut Screen::of_errors(std::io::stderr()))?;
    if args.json {
        write_json(&outcome, out)?;
    } else {
        write!(out, "{}", outcome.summary())?;
    }
    outcome.check(if args.no_faults { 0 } else { cameras })?;
    Ok(Exit::Done)
}

fn direct(options: director::Options) -> Result<director::Held, Fail> {
    Ok(director::run(&options, &mut std::io::stderr())?)
}

/// The script of this name, or in this file.
fn read_faults(path: &Path) -> Result<faults::Faults, Fail> {
    /// Bytes of the longest script.
    const LONGEST: u64 = 64 << 10;
    let wrong = |problem| Fail::Value { option: "--faults", problem };
    let story = faults::STORIES.iter().find(|(name, _)| Path::new(name) == path);
    let text = if let Some((_, text)) = story {
        (*text).to_owned()
    } else {
        let mut text = String::new();
        let file = File::open(path).map_err(|source| {
            let path = path.to_owned();
            if source.kind() == ErrorKind::NotFound {
                let stories: Vec<&str> = faults::STORIES.iter().map(|(name, _)| *name).collect();
                Fail::NoStory { path, stories: stories.join(", ") }
            } else {
                Fail::Read { path, source }
            }
        })?;
        let read = file.take(LONGEST).read_to_string(&mut text);
        read.map_err(|source| Fail::Read { path: path.to_owned(), source })?;
        text
    };
    faults::parse(&text).map_err(|error| wrong(format!("{}: {error}", path.display())))
}

fn write_json(value: &impl serde::Serialize, out: &mut dyn Write) -> Result<(), Fail> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Fail::Page(std::io::Error::other(error)))?;
    Ok(writeln!(out, "{text}")?)
}

pub(crate) fn primary(args: PrimaryArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let label = label(&args.label)?;
    let options = primary::Options {
        plan: args.plan,
        folder: args.out,
        label,
        proctors: fingerprints(&args.proctor)?,
        advertise: args.advertise.iter().map(|text| address(text)).collect::<Result<_, _>>()?,
        bind: args.bind,
        qr_png: args.qr_png,
        away_in: args.away_in,
        loopback: if args.loopback { Loopback::Allowed } else { Loopback::Refused },
        lens: lens(args.camera),
        size: if args.small { Size::SMALL } else { Size::DEFAULT },
        rate: if args.small { SMALL_RATE } else { RATE },
    };
    Ok(primary::run(&options, out)?)
}

fn label(text: &str) -> Result<Label, Fail> {
    crate::label::label(text).map_err(|problem| Fail::Value { option: "--label", problem })
}

/// An address with or without a port; 0 stands for the port that is listened on.
fn address(text: &str) -> Result<SocketAddr, Fail> {
    let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    alone.or_else(|_| text.parse()).map_err(|_| Fail::Value {
        option: "--advertise",
        problem: format!("expected an IP address, or one and a port, got {text:?}"),
    })
}

/// The recording of the device in this folder. It is named as the folder, because those of
/// all devices are laid beside each other in the end, and a journal knows its recording by
/// its name.
fn recording_in(folder: &Path) -> PathBuf {
    let whole = folder.canonicalize();
    let named = whole.as_deref().unwrap_or(folder).file_name();
    let mut file = named.unwrap_or(OsStr::new("A")).to_owned();
    file.push(".mp4");
    folder.join(file)
}

pub(crate) fn secondary(args: SecondaryArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let label = label(&args.label)?;
    let size = Size::new(args.width, args.height)
        .map_err(|error| Fail::Value { option: "--width", problem: error.to_string() })?;
    let camera_off = args.camera_off.as_deref().map(script).transpose()?;
    let options = secondary::Options {
        recording: args.recording.unwrap_or_else(|| recording_in(&args.out)),
        folder: args.out,
        scan: args.scan.map(scan),
        ticket: args.ticket,
        label,
        consent: if args.yes { Asked::Beforehand } else { Asked::Now },
        loopback: if args.loopback { Loopback::Allowed } else { Loopback::Refused },
        wrongness: Wrongness {
            offset: Span::from_millis(args.clock_offset_ms),
            ppb: args.clock_ppb,
        },
        camera_off,
        away_in: args.away_in,
        lens: lens(args.camera),
        size,
        rate: args.rate,
    };
    Ok(secondary::run(&options, out)?)
}

fn lens(device: Option<PathBuf>) -> Lens {
    device.map_or(Lens::Synthetic, Lens::Device)
}

/// `camera`, or a picture's file; a file of that name is `./camera`.
fn scan(from: PathBuf) -> Scan {
    if from == Path::new("camera") { Scan::Camera } else { Scan::Picture(from) }
}

/// `14500:3000`.
fn script(text: &str) -> Result<(Duration, Duration), Fail> {
    let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
    let parts =
        text.split_once(':').and_then(|(after, length)| Some((millis(after)?, millis(length)?)));
    parts.ok_or_else(|| Fail::Value {
        option: "--camera-off",
        problem: format!("expected AFTER:LENGTH in milliseconds, got {text:?}"),
    })
}
