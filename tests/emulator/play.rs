//! Plays one scenario on one bed and holds its report to what was expected.
//!
//! Nothing here knows which bed it plays on. Every fault has to come back with its
//! proof, and every figure of the result is read from what the devices left.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bed::{Bed, Probe, Program, Proof, Stage, Trouble};
use crate::clock::{nanos, now_ns, reach, until};
use crate::scenario::{Fault, Network, Scenario, Step, Who};
use crate::strangers::{alarmed, forged, refused, replaced};
use crate::verdict;

/// From cold start to both cameras proven, at most.
pub(crate) const COLD_START: Duration = Duration::from_secs(10);
/// Of which pairing.
pub(crate) const PAIRING: Duration = Duration::from_secs(1);
/// What a person needs to aim a camera at a code, at least. A responder of multicast
/// DNS answers nothing within a second of its last announcement (RFC 6762 section 6),
/// so a code that is scanned as soon as it is drawn is answered by its clock alone.
const AIMING: Duration = Duration::from_millis(1_200);
/// What a camera may film on after a fault was seen to begin.
const EARLY: Duration = Duration::from_millis(1_500);
/// What was filmed before a fault and never committed, and what a camera needs to
/// film again once it was told to.
const LATE: Duration = Duration::from_secs(4);
/// How long something that has to happen is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a scenario showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    pub(crate) proofs: Vec<Proof>,
    pub(crate) cold_ns: Option<i64>,
    pub(crate) pairing_ns: Option<i64>,
    /// From the end of each loss of the link to a live link.
    pub(crate) resumed_ns: Vec<i64>,
    /// How long each camera was away at least and at most, as the harness saw it.
    pub(crate) away: Vec<(Who, i64, i64)>,
    pub(crate) probe: Option<Probe>,
    pub(crate) report: verdict::Reported,
}

/// Plays it. An error says what did not hold.
pub(crate) fn play(bed: &dyn Bed, scenario: &Scenario, folder: &Path) -> Result<Played, Trouble> {
    let mut stage = bed.open(scenario, folder)?;
    act(bed, stage.as_mut(), scenario, folder).map_err(|trouble| {
        let strain = stage.strain().map_or(String::new(), |strain| format!(" [{strain}]"));
        trouble + &strain
    })
}

fn act(
    bed: &dyn Bed,
    stage: &mut dyn Stage,
    scenario: &Scenario,
    folder: &Path,
) -> Result<Played, Trouble> {
    let mut played = Played::default();
    gather(stage, scenario, bed, &mut played)?;
    impaired(stage, scenario, &mut played)?;
    let answering = said(stage, Who::Primary, "phase ANSWERING")?;
    for step in scenario.steps {
        carry_out(stage, scenario, step, answering, &mut played)?;
    }
    let end = PATIENCE + scenario.answering;
    for who in scenario.everybody() {
        let ended = until(end, || stage.ended(who));
        ended
            .ok_or_else(|| format!("{} did not end; it said: {}", who.role(), last(stage, who)))?;
    }
    let collected = folder.join("session");
    std::fs::create_dir_all(&collected).map_err(|error| error.to_string())?;
    played.proofs.extend(stage.measured()?);
    stage.collect(&collected)?;
    played.report = verdict::hold(bed, stage, scenario, &played.away, &collected)?;
    Ok(played)
}

fn plan(scenario: &Scenario, waiting_s: u64) -> String {
    let wait = waiting_s + 6 * u64::from(scenario.assistants - 1);
    let end = wait + scenario.answering.as_secs();
    format!(
        "mode = \"mock\"\nissuer = \"Test\"\nexam = \"{}\"\nassistants = {}\n[windows]\n\
         wait_open = \"now\"\nwait_close = \"in {wait} s\"\nanswer_start = \"in {wait} s\"\n\
         answer_end = \"in {end} s\"\n[policy]\npreset = \"xyb-seed\"\n[requirements]\n\
         battery_percent = 0\nbytes_per_second = 100_000\nheat = \"hot\"\n\
         permissions = [\"camera\"]\n",
        scenario.name, scenario.assistants
    )
}

/// Cold start to every camera proven recording.
fn gather(
    stage: &mut dyn Stage,
    scenario: &Scenario,
    bed: &dyn Bed,
    played: &mut Played,
) -> Result<(), Trouble> {
    let began = now_ns();
    let plan = plan(scenario, bed.waiting_s());
    stage.start(Who::Primary, &Program::Primary { plan })?;
    let mut used = None;
    for who in scenario.everybody().skip(1) {
        said(stage, Who::Primary, &format!("waiting for {}", who.role()))?;
        let picture = drawn(stage, used.as_ref())?;
        if matches!(scenario.network, Network::Lost) {
            reach(now_ns() + nanos(AIMING));
        }
        used = shown(stage);
        stage.start(who, &Program::Assistant { picture })?;
        said(stage, Who::Primary, &format!("{}: paired", who.role()))?;
        let line = stage.said(who).into_iter().find(|said| said.line.starts_with("paired as "));
        let taken = line.and_then(|said| {
            let millis = said.line.strip_suffix(" ms")?.rsplit(' ').next()?;
            // Three digits after the point: without it, microseconds.
            millis.replace('.', "").parse::<i64>().ok()?.checked_mul(1_000)
        });
        played.pairing_ns = played.pairing_ns.max(taken);
    }
    let proven = said(stage, Who::Primary, "every camera is proven recording")?;
    played.cold_ns = Some(proven - began);
    for (name, took, most) in [
        ("cold start", proven - began, COLD_START * u32::from(scenario.assistants)),
        ("pairing", played.pairing_ns.unwrap_or_default(), PAIRING),
    ] {
        if took > nanos(most + bed.slower()) {
            return Err(format!("{name} took {took} ns, at most {most:?} expected"));
        }
    }
    Ok(())
}

/// The picture of the code that is shown now.
pub(crate) fn shown(stage: &mut dyn Stage) -> Option<Vec<u8>> {
    std::fs::read(stage.picture()?).ok()
}

/// The picture of a code that is not `used`, which lies there until another is drawn.
pub(crate) fn drawn(stage: &mut dyn Stage, used: Option<&Vec<u8>>) -> Result<PathBuf, Trouble> {
    until(PATIENCE, || shown(stage).filter(|drawn| Some(drawn) != used))
        .and_then(|_| stage.picture())
        .ok_or_else(|| "no code was drawn".to_owned())
}

/// Measures the path beside the program, where a figure is wanted of it.
fn impaired(
    stage: &mut dyn Stage,
    scenario: &Scenario,
    played: &mut Played,
) -> Result<(), Trouble> {
    if !scenario.name.starts_with("2-") {
        return Ok(());
    }
    let probe = stage.probe(Who::Assistant(1))?;
    let least = probe.rtt_ns.first().copied().ok_or("no exchange was answered")?;
    let typical = probe.rtt_ns[probe.rtt_ns.len() / 2];
    if let Network::Redirected(path) | Network::Lan(path) = scenario.network {
        let delay_ns = i64::try_from(path.delay_us).unwrap_or(i64::MAX).saturating_mul(2_000);
        if least < delay_ns || (path.loss_ppm > 0 && probe.answered == probe.sent) {
            return Err(format!(
                "the path is not impaired: {least} ns, {} of {} answered",
                probe.answered, probe.sent
            ));
        }
    }
    played.proofs.push(format!(
        "round trip min {} us, median {} us, {} of {} answered",
        least / 1_000,
        typical / 1_000,
        probe.answered,
        probe.sent
    ));
    played.probe = Some(probe);
    Ok(())
}

fn carry_out(
    stage: &mut dyn Stage,
    scenario: &Scenario,
    step: &Step,
    answering: i64,
    played: &mut Played,
) -> Result<(), Trouble> {
    reach(answering + nanos(step.after));
    match step.fault {
        Fault::LinkDown { who, lasts } => {
            let began = now_ns();
            played.proofs.push(stage.link_down(who)?);
            reach(began + nanos(lasts));
            let up = now_ns();
            played.proofs.push(stage.link_up(who)?);
            played.resumed_ns.extend(resumed(stage, who, began, up)?);
        }
        Fault::Killed { who, lasts } => killed(stage, &[who], lasts, played)?,
        Fault::AllKilled { lasts } => {
            let all: Vec<Who> = scenario.everybody().collect();
            killed(stage, &all, lasts, played)?;
        }
        Fault::AddressChanged { who } => played.proofs.push(stage.change_address(who)?),
        Fault::WallStepped { who, seconds } => played.proofs.push(stage.step_wall(who, seconds)?),
        Fault::Suspended { who, lasts } => {
            still(who, lasts, played, &mut |who, lasts| stage.suspend(who, lasts))?
        }
        Fault::Paused { who, lasts } => {
            still(who, lasts, played, &mut |who, lasts| stage.pause(who, lasts))?
        }
        Fault::Idle { who, lasts } => {
            still(who, lasts, played, &mut |who, lasts| stage.idle(who, lasts))?
        }
        Fault::Disturbed { who, netem, lasts } => {
            played.proofs.push(stage.disturb(who, netem, lasts)?);
        }
        Fault::StorageFull { who, lasts } => full(stage, who, lasts, played)?,
        Fault::Starved { who, percent, lasts } => {
            played.proofs.push(stage.starve(who, percent, lasts)?);
        }
        Fault::SecondScan => {
            let picture = stage.picture().ok_or("no picture of the code")?;
            refused(stage, &Program::Assistant { picture }, "second phone", played)?;
            for who in [Who::Primary, Who::Assistant(1)] {
                let alarm = alarmed(stage, who)?;
                played.proofs.push(format!("{} was told: {alarm}", who.role()));
            }
        }
        Fault::Stranger => {
            let ticket = forged(stage.address()?)?;
            refused(stage, &Program::Typed { ticket }, "stranger", played)?;
        }
        Fault::Replaced { who } => replaced(stage, who, played)?,
    }
    Ok(())
}

/// A device that stands still, however that is done, is away for so long at least.
fn still(
    who: Who,
    lasts: Duration,
    played: &mut Played,
    stand: &mut dyn FnMut(Who, Duration) -> Result<Proof, Trouble>,
) -> Result<(), Trouble> {
    let began = now_ns();
    played.proofs.push(stand(who, lasts)?);
    let most = now_ns() - began + nanos(LATE);
    played.away.push((who, nanos(lasts) - nanos(EARLY), most));
    Ok(())
}

/// Until its program has said so, and for so long; with room again it goes on by
/// itself.
fn full(
    stage: &mut dyn Stage,
    who: Who,
    lasts: Duration,
    played: &mut Played,
) -> Result<(), Trouble> {
    let began = now_ns();
    played.proofs.push(stage.fill(who)?);
    let full = now_ns();
    let told = said_since(stage, who, began, "storage failed")?;
    played.proofs.push(format!("{} said so after {} ms", who.role(), (told - began) / 1_000_000));
    reach(full + nanos(lasts));
    played.proofs.push(stage.empty(who)?);
    returned(stage, who, full, now_ns(), played)
}

/// A camera that records again is one that was away.
fn returned(
    stage: &mut dyn Stage,
    who: Who,
    gone: i64,
    back: i64,
    played: &mut Played,
) -> Result<(), Trouble> {
    let records = match who {
        Who::Primary => "all cameras were told to record",
        Who::Assistant(_) => "recording",
    };
    let measured = said_since(stage, who, back, records)? - gone;
    played.away.push((who, measured - nanos(EARLY), measured + nanos(LATE)));
    Ok(())
}

fn killed(
    stage: &mut dyn Stage,
    whom: &[Who],
    lasts: Duration,
    played: &mut Played,
) -> Result<(), Trouble> {
    let began = now_ns();
    let mut gone = Vec::new();
    for who in whom {
        gone.push(now_ns());
        played.proofs.push(stage.kill(*who)?);
    }
    reach(began + nanos(lasts));
    let back = now_ns();
    for who in whom {
        stage.start(*who, &Program::Again)?;
    }
    for (who, gone) in whom.iter().zip(gone) {
        returned(stage, *who, gone, back, played)?;
    }
    let other = whom.iter().copied().find(|who| *who != Who::Primary);
    played.resumed_ns.extend(resumed(stage, other.unwrap_or(Who::Assistant(1)), began, back)?);
    Ok(())
}

/// How long after `back` the primary calls the link live. A loss that it never
/// noticed needs no resuming.
fn resumed(stage: &mut dyn Stage, who: Who, began: i64, back: i64) -> Result<Option<i64>, Trouble> {
    let links = format!("{}: link ", who.role());
    let noticed = stage
        .said(Who::Primary)
        .iter()
        .rev()
        .find(|said| said.line.starts_with(&links))
        .is_some_and(|said| said.at_ns >= began && !said.line.ends_with("LIVE"));
    let live = format!("{links}LIVE");
    let patience = if noticed { PATIENCE } else { Duration::from_secs(6) };
    let at = until(patience, || {
        let lines = stage.said(Who::Primary);
        lines.iter().find(|said| said.at_ns >= back && said.line == live).map(|said| said.at_ns)
    });
    if noticed && at.is_none() {
        return Err(format!("{}: the link did not come back", who.role()));
    }
    Ok(at.map(|at| at - back))
}

/// When a device first said something that begins so.
pub(crate) fn said(stage: &mut dyn Stage, who: Who, begins: &str) -> Result<i64, Trouble> {
    said_since(stage, who, i64::MIN, begins)
}

/// When a device first said something that begins so, from then on.
fn said_since(
    stage: &mut dyn Stage,
    who: Who,
    since_ns: i64,
    begins: &str,
) -> Result<i64, Trouble> {
    let at = until(PATIENCE, || {
        let lines = stage.said(who);
        let mut lines = lines.iter().filter(|said| said.at_ns >= since_ns);
        lines.find(|said| said.line.starts_with(begins)).map(|said| said.at_ns)
    });
    at.ok_or_else(|| format!("{} did not say {begins:?}; last: {}", who.role(), last(stage, who)))
}

pub(crate) fn last(stage: &mut dyn Stage, who: Who) -> String {
    let lines = stage.said(who);
    let tail = lines.iter().rev().take(3).map(|said| said.line.clone());
    tail.collect::<Vec<_>>().join(" | ")
}
