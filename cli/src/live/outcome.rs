//! What a rehearsal showed: the report, and the alignment held against the truth.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diptych_primary::render;
use diptych_protocol::clock::Estimate;
use diptych_protocol::identity::{Hex, Role, sha256};
use diptych_protocol::journal::{Replayed, replay};
use diptych_protocol::plan::Windows;
use diptych_protocol::policy::Verdict;
use diptych_protocol::report::{Report, evaluate};
use diptych_protocol::time::Span;
use diptych_protocol::timeline::{ClockName, observations};
use serde::Serialize;

use super::fail::LiveFail;
use super::news::of_thousandths;
use super::online::Online;
use crate::align::{Comparison, Evidence, FrameMap, Recorded, Recordings, Track};
use crate::command::{counted, evidence};
use crate::folder::SessionFolder;
use crate::video::read_timecodes;

/// What happened while it ran.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Seats whose journal did not arrive whole.
    pub incomplete: Vec<Role>,
    /// The last estimate of each assistant's clock.
    estimates: BTreeMap<Role, (Span, Span)>,
}

impl Story {
    /// An assistant's clock is known this well.
    pub(super) fn clock(&mut self, role: Role, estimate: &Estimate) {
        let within = (estimate.high - estimate.offset).max(estimate.offset - estimate.low);
        self.estimates.insert(role, (estimate.offset, within));
    }
}

/// The result, as `--json` prints it. Times are nanoseconds of session time, that
/// is, of the primary's clock, counted from the start of answering.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// `PASS`, `FAIL`, `UNDETERMINED` or `NOT_READY`.
    pub verdict: String,
    /// Interruptions that count, at least.
    pub count: u32,
    /// Each interruption.
    pub interruptions: Vec<Interruption>,
    /// From the decoded code to the first assistant's seat, by its own clock.
    pub pairing_ns: Option<i64>,
    /// How well the recordings align.
    pub alignment: Alignment,
    /// The recordings.
    pub recordings: Vec<RecordingFile>,
    /// Whether they are what the journals say.
    pub evidence: Evidence,
    /// The report's file.
    pub report: PathBuf,
    /// Where everything is.
    pub folder: PathBuf,
}

/// One interruption.
#[derive(Clone, Debug, Serialize)]
pub struct Interruption {
    /// Whose camera.
    pub role: String,
    /// The end of the last frame before it.
    pub start_ns: i64,
    /// The first frame after it.
    pub end_ns: i64,
    /// How far its length may be from the truth.
    pub uncertainty_ns: i64,
    /// The best guess.
    pub cause: String,
    /// Whether it is in the count, and if not, why not.
    pub standing: String,
}

/// The stated error of the alignment, and the true one, with all that both
/// journals know now that the session is over.
#[derive(Clone, Debug, Serialize)]
pub struct Alignment {
    /// The widest stated bound between two frames.
    pub bound_ns_max: i64,
    /// The largest error that the pixels show.
    pub true_error_ns_max: i64,
    /// The median error that the pixels show.
    pub true_error_ns_median: i64,
    /// Pairs of frames that were compared.
    pub frames_checked: u64,
    /// Pairs whose truth lies outside the stated bound.
    pub outside: u64,
    /// The same with what was known when each picture was taken.
    pub online: Comparison,
    /// The last estimate during the session, and how far the truth may be from it:
    /// for each assistant.
    pub clocks: Vec<LastEstimate>,
}

/// What was known of an assistant's clock at last, while the session ran.
#[derive(Clone, Debug, Serialize)]
pub struct LastEstimate {
    /// Whose clock.
    pub role: String,
    /// Ahead of the primary's by this much.
    pub offset_ns: i64,
    /// Give or take, certainly.
    pub bound_ns: i64,
}

/// One recording.
#[derive(Clone, Debug, Serialize)]
pub struct RecordingFile {
    /// Whose.
    pub role: String,
    /// The file.
    pub path: PathBuf,
    /// How many pictures.
    pub frames: usize,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Reads what the rehearsal left in `folder`, writes alignment and report beside
/// it, and says what it showed.
///
/// # Errors
/// [`LiveFail`] if anything cannot be read back.
pub fn of(
    folder: &Path,
    assistants: u8,
    story: Story,
    windows: Windows,
) -> Result<Outcome, LiveFail> {
    let roles: Vec<Role> = (0..=assistants).filter_map(|number| Role::new(number).ok()).collect();
    let journals = journals(folder, &roles)?;
    let report = evaluate(&journals, None)?;
    let origin = windows.answer_start.nanos();
    let (map, comparisons, recordings) = align(folder, &journals, origin)?;
    let unexpected = |what| LiveFail::Unexpected { what };
    // All that was made lies in the folder, so that whether it is whole can be known.
    let found = evidence(&SessionFolder::open(folder)?).map_err(|e| unexpected(e.to_string()))?;
    let text = found.beside(&map).map_err(|error| unexpected(error.to_string()))?;
    write(&folder.join("alignment.json"), &text)?;
    write(&folder.join("report.json"), &render::json(&report))?;
    write(&folder.join("report.txt"), &render::text(&report))?;
    write(&folder.join("timeline.svg"), &render::svg(&report))?;
    Ok(Outcome {
        verdict: verdict(report.judgement.verdict).to_owned(),
        count: report.judgement.count_min,
        interruptions: interruptions(&report, origin),
        pairing_ns: pairing(folder),
        alignment: stated(comparisons, &story),
        recordings,
        evidence: found,
        report: folder.join("report.json"),
        folder: folder.to_owned(),
    })
}

impl Outcome {
    /// Whether everything went as it should: a verdict of PASS, as many
    /// interruptions as were scripted, no frame outside its bound, and evidence that is
    /// whole.
    ///
    /// # Errors
    /// [`LiveFail::Unexpected`] says what did not.
    pub fn check(&self, scripted: u32) -> Result<(), LiveFail> {
        let what = if self.verdict != "PASS" {
            format!("expected the verdict PASS, got {}", self.verdict)
        } else if self.count != scripted {
            format!("expected {scripted} interruptions, got {}", self.count)
        } else if self.alignment.outside > 0 || self.alignment.frames_checked == 0 {
            let Alignment { outside, frames_checked, .. } = self.alignment;
            format!("{outside} of {frames_checked} pairs of frames are outside their bound")
        } else if self.alignment.online.outside > 0 {
            let Comparison { outside, frames_checked, .. } = self.alignment.online;
            format!("{outside} of {frames_checked} pairs were outside the bound known then")
        } else if self.evidence.findings > 0 {
            let dir = self.folder.display();
            format!("expected evidence that is whole: see `diptych verify {dir}`")
        } else {
            return Ok(());
        };
        Err(LiveFail::Unexpected { what })
    }

    /// A few lines for a person.
    #[must_use]
    pub fn summary(&self) -> String {
        let ms = |ns: i64| format!("{}.{:03} ms", ns / 1_000_000, ns / 1_000 % 1_000);
        let error = |bound, most, median| {
            format!(
                "within {} (stated), truly within {} (median {})",
                ms(bound),
                ms(most),
                ms(median)
            )
        };
        let Alignment { online, .. } = &self.alignment;
        let known = error(
            self.alignment.bound_ns_max,
            self.alignment.true_error_ns_max,
            self.alignment.true_error_ns_median,
        );
        let then =
            error(online.bound_ns_max, online.true_error_ns_max, online.true_error_ns_median);
        let mut text = format!(
            "{}: {} counted\n{} pairs of frames align\n  {known};\n\
             as it was known while it ran\n  {then}\n",
            self.verdict,
            counted(self.count, "interruption"),
            self.alignment.frames_checked,
        );
        for one in &self.interruptions {
            let from = one.start_ns / 1_000_000;
            let length = (one.end_ns - one.start_ns) / 1_000_000;
            text += &format!(
                "  {}: {length} ms from {from} ms on, {} ({})\n",
                one.role, one.cause, one.standing
            );
        }
        text + &format!("everything is in {}\n", self.folder.display())
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    verdict.name()
}

fn journals(folder: &Path, roles: &[Role]) -> Result<Vec<Replayed>, LiveFail> {
    let read = |role: &Role| {
        let path = folder.join(format!("{role}.journal"));
        let bytes = std::fs::read(&path).map_err(LiveFail::file(&path))?;
        replay(&bytes).map_err(|error| LiveFail::Journal { path, error })
    };
    roles.iter().map(read).collect()
}

fn align(
    folder: &Path,
    journals: &[Replayed],
    origin: i64,
) -> Result<(FrameMap, [Comparison; 2], Vec<RecordingFile>), LiveFail> {
    let folder = SessionFolder::open(folder)?;
    let session = Recordings::of(&folder, journals)?;
    if let Some((role, what)) = session.missing().first() {
        return Err(LiveFail::Unexpected { what: format!("{role}: {what}") });
    }
    let places = session.places();
    let each = session.recorded().iter().zip(&places);
    let tracks: Vec<_> = each.map(|(recorded, place)| recorded.track(place)).collect();
    let map = FrameMap::new(&tracks, origin)?;
    let (mut truths, mut recordings) = (Vec::new(), Vec::new());
    for Recorded { role, path, .. } in session.recorded() {
        let frames = read_timecodes(path)?;
        let bytes = std::fs::read(path).map_err(LiveFail::file(path))?;
        recordings.push(RecordingFile {
            role: role.to_string(),
            path: path.clone(),
            frames: frames.len(),
            sha256: Hex(&sha256(&bytes)).to_string(),
        });
        truths.push(frames);
    }
    let online = online(journals, &session, &tracks, origin)?.compare(&truths);
    let comparisons = [map.compare(&truths), online];
    Ok((map, comparisons, recordings))
}

/// The map that the primary could have made while it ran, picture by picture.
fn online(
    journals: &[Replayed],
    session: &Recordings,
    tracks: &[Track<'_>],
    origin: i64,
) -> Result<FrameMap, LiveFail> {
    let pairs = observations(journals);
    let known = |clock: ClockName| {
        let list = pairs.get(&(session.timeline().reference(), clock))?;
        Some(RefCell::new(Online::new(list)))
    };
    let each = session.recorded().iter().zip(tracks);
    let places: Vec<_> = each
        .map(|(recorded, track)| {
            let online = known(recorded.clock);
            move |own_ns: i64| {
                let now = (track.place)(own_ns)?;
                if track.role.is_primary() {
                    return Some(now);
                }
                let placed = online.as_ref()?.borrow_mut().place(own_ns, now.at_ns)?;
                Some(recorded.widened(placed))
            }
        })
        .collect();
    let each = session.recorded().iter().zip(&places);
    let tracks: Vec<_> = each.map(|(recorded, place)| recorded.track(place)).collect();
    Ok(FrameMap::new(&tracks, origin)?)
}

fn interruptions(report: &Report, origin: i64) -> Vec<Interruption> {
    let all = report.judgement.interruptions.iter();
    all.map(|one| Interruption {
        role: one.role.to_string(),
        start_ns: one.start.nanos().saturating_sub(origin),
        end_ns: one.end.nanos().saturating_sub(origin),
        uncertainty_ns: one.uncertainty.nanos(),
        cause: one.cause.to_string(),
        standing: one.standing.name().to_owned(),
    })
    .collect()
}

fn stated([offline, online]: [Comparison; 2], story: &Story) -> Alignment {
    let clocks = story.estimates.iter().map(|(role, (offset, within))| LastEstimate {
        role: role.to_string(),
        offset_ns: offset.nanos(),
        bound_ns: within.nanos(),
    });
    Alignment {
        bound_ns_max: offline.bound_ns_max,
        true_error_ns_max: offline.true_error_ns_max,
        true_error_ns_median: offline.true_error_ns_median,
        frames_checked: offline.frames_checked,
        outside: offline.outside,
        online,
        clocks: clocks.collect(),
    }
}

/// How long the first assistant took from the decoded code to its seat, as its
/// own log says.
fn pairing(folder: &Path) -> Option<i64> {
    let log = std::fs::read_to_string(folder.join("A1").join("log.txt")).ok()?;
    let line = log.lines().find(|line| line.starts_with("paired as "))?;
    of_thousandths(line)
}

fn write(path: &Path, text: &str) -> Result<(), LiveFail> {
    std::fs::write(path, text).map_err(LiveFail::file(path))
}
