//! How a simulated session ended, held against the truth.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use diptych_protocol::identity::{Role, sha256};
use diptych_protocol::journal::{Integrity, Replayed, replay, salvage, verify};
use diptych_protocol::machine::JournalName;
use diptych_protocol::policy::{ExpectedIn, Sound};
use diptych_protocol::primary;
use diptych_protocol::report::{Report, evaluate, revise, statements};
use diptych_protocol::time::Span;

use super::brain::Told;
use super::key::proctor;
use super::truth::{Seen, Truth, judge};
use super::{World, placed};
use crate::dice::Dice;

/// What a session came to.
pub struct Outcome {
    /// The seed that it can be run with again.
    pub seed: u64,
    /// Everything that must not have happened.
    pub failures: Vec<String>,
    /// The last things that happened, one line each.
    pub trace: Vec<String>,
    /// What each app was told: true time, device, event.
    pub told: Vec<(i64, usize, Told)>,
    /// What really happened.
    pub truth: Truth,
    /// What it would be if all that was under way when a power went had survived:
    /// the world does not know either how much of it did.
    pub luckier: Truth,
    /// The report from the primary's files, if the primary finished.
    pub report: Option<Report>,
    /// Each device's journals.
    pub journals: Vec<BTreeMap<JournalName, Vec<u8>>>,
    /// From a path that is there again to a link that is LIVE.
    pub resumes: Vec<Span>,
    /// Which devices were told that the session is over.
    pub over: Vec<bool>,
    /// Whether every device that was paired was told so.
    pub ended: bool,
    /// Every byte of every journal and everything that any app was told, as one
    /// number: the same for the same seed, until the protocol behaves differently.
    pub trail: u64,
}

impl Outcome {
    /// Stops the test with the trace if anything failed, or if a device was not
    /// told that the session is over.
    ///
    /// # Panics
    /// If so.
    #[must_use]
    pub fn check(self) -> Self {
        let outcome = self.check_law();
        let over = &outcome.over;
        assert!(outcome.ended, "{}\nnot over everywhere: {over:?}", outcome.story());
        outcome
    }

    /// Stops the test with the trace if anything failed. For stories in which a
    /// device cannot hear of the end.
    ///
    /// # Panics
    /// If anything failed.
    #[must_use]
    pub fn check_law(self) -> Self {
        assert!(self.failures.is_empty(), "{}", self.story());
        self
    }

    /// What went wrong, and what happened before.
    #[must_use]
    pub fn story(&self) -> String {
        let mut story = self.trace.join("\n");
        for failure in &self.failures {
            _ = write!(story, "\nseed {}: {failure}", self.seed);
        }
        story
    }

    /// Whether the primary was told this.
    pub fn primary_told(&self, wanted: impl Fn(&primary::Event) -> bool) -> bool {
        self.told.iter().any(|(_, _, told)| matches!(told, Told::Primary(event) if wanted(event)))
    }

    /// Whether the assistant on this device was told this.
    pub fn assistant_told(
        &self,
        device: usize,
        wanted: impl Fn(&diptych_protocol::secondary::Event) -> bool,
    ) -> bool {
        let one = |(_, who, told): &(i64, usize, Told)| {
            *who == device && matches!(told, Told::Assistant(event) if wanted(event))
        };
        self.told.iter().any(one)
    }
}

pub(super) fn of(mut world: World) -> Outcome {
    let (luckier, truth) = (truth(&world, true), truth(&world, false));
    let journals: Vec<_> = world.devices.iter().map(|device| device.disk.journals()).collect();
    let seated = |device: &super::device::Device| device.seat.is_some();
    let all_over = world.devices.iter().skip(1).all(|device| device.over || !seated(device));
    let mut report = None;
    if world.devices[0].over {
        let evaluated = evaluated(&mut world, &journals[0]);
        // Of a disk that lied no journal is good enough to be held to the truth.
        let lied = |step: &super::Step| {
            matches!(step.what, super::What::Fails { how: super::Failure::LostSync, .. })
        };
        let lied = world.scenario.steps.iter().any(lied);
        let whole = !lied && !world.devices.iter().any(|one| one.disk.is_full());
        let orderly = whole && world.devices.iter().skip(1).all(|one| one.finished || !seated(one));
        if let Some((read, report)) = &evaluated
            && whole
        {
            hold_tally(&mut world, read, report);
        }
        if orderly
            && (world.failures.is_empty() && placed::is_worth_it(&world.scenario))
            && let Some((read, _)) = &evaluated
        {
            placed::hold(&mut world, read);
        }
        report = evaluated.map(|(_, report)| report);
        if orderly && world.failures.is_empty() {
            compare(&mut world, &journals, report.as_ref(), [&truth, &luckier]);
        }
    }
    let mut trail = world.trail;
    for bytes in journals.iter().flat_map(BTreeMap::values) {
        for part in sha256(bytes) {
            trail = Dice::keyed(trail, part.into(), 0).bits();
        }
    }
    Outcome {
        seed: world.scenario.seed,
        failures: world.failures,
        trace: world.trace.into(),
        told: world.told,
        truth,
        luckier,
        report,
        journals,
        resumes: world.resumes.into_iter().map(Span::from_nanos).collect(),
        ended: world.devices[0].over && all_over,
        over: world.devices.iter().map(|device| device.over).collect(),
        trail,
    }
}

fn truth(world: &World, all_survives: bool) -> Truth {
    let [_, start, end] = world.scenario.plan;
    let terms = world.scenario.policy.terms();
    let seen = |seat: u8| {
        let (frames, away, forgiven) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = Seen { seat, frames, away, forgiven };
        for (who, device) in world.devices.iter().enumerate() {
            if device.seat == Some(seat) || (seat == 0 && who == 0) {
                seen.frames.extend(&device.camera.durable);
                seen.frames.extend(&device.camera.believed);
                if all_survives {
                    seen.frames.extend(&device.camera.doubtful);
                }
                seen.away.extend(&device.camera.away);
                if terms.sound == Sound::Counted {
                    let silent = device.camera.silent.iter();
                    seen.away.extend(silent.map(|(from, to)| (*from, to.unwrap_or(i64::MAX))));
                }
                if terms.expected_in == ExpectedIn::Anywhere {
                    seen.forgiven.extend(&device.camera.announced);
                }
            }
        }
        seen
    };
    let seats = 0..=world.scenario.assistants;
    let end = world.stopped.map_or(end.nanos(), |stopped| end.nanos().min(stopped));
    judge(seats.map(seen).collect(), start.nanos(), end)
}

fn replayed(world: &mut World, files: &BTreeMap<JournalName, Vec<u8>>) -> Vec<Replayed> {
    let mut whole = Vec::new();
    for (name, bytes) in files {
        match replay(bytes) {
            Ok(replayed) => whole.push(replayed),
            Err(error) => world.fail(format!("journal {name}: {error}")),
        }
    }
    whole
}

/// The report, and that of a judge who finds the same files on another machine, in
/// another order, and trusts nothing: they have to be the same value, of which the
/// bytes of a report are a function.
fn hold_against_judge(world: &mut World, files: &BTreeMap<JournalName, Vec<u8>>, report: &Report) {
    let found: Vec<_> = files.values().rev().filter_map(|bytes| salvage(bytes).ok()).collect();
    let judged = evaluate(&found, None).map(|mut judged| {
        for finding in &mut judged.findings {
            finding.journal = files.len() - 1 - finding.journal;
        }
        judged
    });
    if judged.as_ref() != Ok(report) {
        world.fail(format!("the report says {report:?}, a judge {judged:?}"));
    }
}

fn evaluated(
    world: &mut World,
    files: &BTreeMap<JournalName, Vec<u8>>,
) -> Option<(Vec<Replayed>, Report)> {
    let whole = replayed(world, files);
    match evaluate(&whole, None) {
        Ok(report) => {
            hold_against_judge(world, files, &report);
            Some((whole, report))
        }
        Err(error) => {
            world.fail(format!("no report: {error}"));
            None
        }
    }
}

/// What the examinee reads in the end is what the report counts, with all that was
/// stated. `[POLICY-26]`
fn hold_tally(world: &mut World, read: &[Replayed], report: &Report) {
    let stated: Vec<_> = statements(read, &[proctor()]).into_iter().flatten().collect();
    let revised = (!stated.is_empty()).then(|| revise(read, None, &stated).unwrap());
    let report = revised.as_ref().unwrap_or(report);
    let revision = report.revision.as_ref();
    let judgement = revision.map_or(&report.judgement, |revision| &revision.judgement);
    let shown = (world.tally.confirmed, world.tally.confirmed + world.tally.pending);
    if shown != (judgement.count_min, judgement.count_max) {
        world.fail(format!(
            "the screen shows {:?}, the report counts {} to {}: {:#?}, unknown {:?}",
            world.tally,
            judgement.count_min,
            judgement.count_max,
            judgement.interruptions,
            report.unknown,
        ));
    }
}

fn compare(
    world: &mut World,
    journals: &[BTreeMap<JournalName, Vec<u8>>],
    report: Option<&Report>,
    [truth, luckier]: [&Truth; 2],
) {
    let files: Vec<&[u8]> = journals[0].values().map(Vec::as_slice).collect();
    // Checking every signature costs more than the session itself; evaluating has
    // checked the last one of each journal.
    let verified =
        if world.scenario.seed.is_multiple_of(8) { Some(verify(&files, None)) } else { None };
    if let Some(verified) = verified
        && verified.integrity() != Integrity::Intact
    {
        world.fail(format!("journals are not intact: {:?}", verified.first()));
    }
    for (who, files) in journals.iter().enumerate() {
        for (name, bytes) in files {
            let owner = if name.role == Role::PRIMARY { 0 } else { who };
            let original = if who == 0 {
                (0..journals.len()).find(|of| world.devices[*of].own == Some(*name))
            } else {
                Some(owner)
            };
            let Some(original) = original.and_then(|of| journals[of].get(name)) else { continue };
            if original != bytes {
                let (copy, original) = (bytes.len(), original.len());
                world.fail(format!("device {who} has {copy} of {original} bytes of {name}"));
            }
        }
    }
    let Some(report) = report else { return };
    if let Some(finding) = report.findings.first() {
        world.fail(format!("the journals contradict each other: {finding}"));
    }
    let judgement = &report.judgement;
    let counts = (judgement.count_min, judgement.count_max);
    let fits =
        |truth: &Truth| judgement.verdict == truth.verdict && counts == (truth.count, truth.count);
    if !fits(truth) && !fits(luckier) {
        let said = (judgement.verdict, counts);
        world.fail(format!(
            "the report says {said:?}, the truth is {truth:?}; {:#?}, unknown {:?}",
            judgement.interruptions, report.unknown
        ));
    }
}
