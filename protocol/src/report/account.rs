//! The parts of a report that people read: interruptions, cameras, clocks.

use super::evidence::{Evidence, Witnessed};
use super::lane::{Covered, Lane};
use crate::identity::{Label, Role};
use crate::join::Join;
use crate::journal::{Fact, Head, Own, Replayed};
use crate::plan::Phase;
use crate::policy::{Interruption, Judgement, Window};
use crate::recording::Totals;
use crate::time::{Instant, Primary, Span};
use crate::timeline::{Basis, ClockName, Placed, Timeline, Track, events};

/// One interruption and what proves it. `[REPORT-9]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// What the judge made of it.
    pub interruption: Interruption,
    /// The platform's own value for its cause; 0 if it gave none.
    pub raw: i32,
    /// The records that show where it begins and ends, and what the primary
    /// heard of the peer last before it.
    pub evidence: Vec<Evidence>,
}

/// What one seat recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Camera {
    /// The seat.
    pub role: Role,
    /// Fragments, frames and bytes.
    pub totals: Totals,
    /// What is covered, in order.
    pub covered: Vec<Covered>,
}

/// How well one clock of an assistant is tied to session time. `[REPORT-11]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alignment {
    /// Which clock.
    pub clock: ClockName,
    /// The worst error of an aligned frame: both cameras' and the clock's.
    pub worst: Span,
    /// The worst error of the clock alone.
    pub clock_worst: Span,
    /// Its middle value.
    pub clock_median: Span,
    /// How fast it runs against the primary's, in parts per billion, in the
    /// middle of the session; `None` if no message tells.
    pub skew_ppb: Option<i64>,
    /// Messages it rests on.
    pub observations: u64,
    /// What the error rests on.
    pub basis: Basis,
}

/// Something that the primary wrote down for people to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A phase began.
    Phase(Instant<Primary>, Phase),
    /// A take began, ended or was chosen.
    Take(Instant<Primary>, u32, u8),
    /// A mark of the host.
    Mark(Instant<Primary>, Label),
}

/// What one journal is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalState {
    /// Whose.
    pub role: Role,
    /// Which device in that seat.
    pub device: u8,
    /// Its last record.
    pub head: Head,
    /// Records that could be read.
    pub records: u64,
    /// Stretches that could not.
    pub holes: u64,
    /// Bytes of a write that never finished.
    pub torn: u64,
    /// Whether the device ended it.
    pub finished: bool,
    /// Whether its last seal is genuine.
    pub sealed: bool,
}

/// Each interruption with the losses that make it up.
pub(super) fn accounts(
    judgement: &Judgement,
    witnessed: &[Witnessed],
    primary: &Replayed,
) -> Vec<Account> {
    let of = |one: &Interruption| {
        let mine = witnessed.iter().filter(|witness| {
            let loss = &witness.loss;
            loss.role == one.role && loss.start < one.end && one.start < loss.end
        });
        let mut raw = 0;
        let mut evidence: Vec<Evidence> = Vec::new();
        for witness in mine {
            raw = if raw == 0 { witness.raw } else { raw };
            for shown in &witness.evidence {
                if !evidence.contains(shown) {
                    evidence.push(*shown);
                }
            }
        }
        evidence.extend(last_heard(one, &evidence, primary));
        Account { interruption: *one, raw, evidence }
    };
    judgement.interruptions.iter().map(of).collect()
}

/// The last head that the primary saw of the assistant before its frames ended.
fn last_heard(one: &Interruption, known: &[Evidence], primary: &Replayed) -> Option<Evidence> {
    if one.role.is_primary() {
        return None;
    }
    let before = known.first()?.sequence;
    let mut seen = primary.entries().iter().filter(|entry| {
        matches!(entry.fact, Fact::PeerHead { peer, sequence, .. }
            if peer == one.role && sequence <= before)
    });
    let header = primary.header();
    seen.next_back().map(|entry| Evidence {
        role: header.role,
        device: header.device,
        sequence: entry.sequence,
        what: "its last head that the primary saw before",
    })
}

pub(super) fn camera(lane: &Lane<'_>) -> Camera {
    Camera { role: lane.role(), totals: lane.totals, covered: lane.covered.clone() }
}

pub(super) fn state(journal: &Replayed) -> JournalState {
    JournalState {
        role: journal.header().role,
        device: journal.header().device,
        head: journal.head(),
        records: journal.entries().len() as u64,
        holes: journal.holes().len() as u64,
        torn: journal.torn(),
        finished: journal.is_finished(),
        sealed: journal.closing_seals_hold(),
    }
}

pub(super) fn moments(primary: &Replayed, timeline: &Timeline) -> Vec<Moment> {
    let mut found = Vec::new();
    for (clock, entry) in events(primary) {
        let Some(at) = timeline.place(clock, entry.at).map(|placed| placed.at) else { continue };
        if let Fact::Phase { phase } = &entry.fact
            && let Some(phase) = Phase::from_number(*phase)
        {
            found.push(Moment::Phase(at, phase));
        }
        if let Fact::Take { take, mark } = &entry.fact {
            found.push(Moment::Take(at, *take, *mark));
        }
        if let Fact::Mark { label } = &entry.fact {
            found.push(Moment::Mark(at, *label));
        }
    }
    found
}

/// The bounds of every assistant's clock while its camera recorded in the
/// window. `[REPORT-11]`
pub(super) fn alignments(
    lanes: &[Lane<'_>],
    tracks: &[Track],
    timeline: &Timeline,
    window: Window,
    join: impl Join,
) -> Vec<Alignment> {
    let media = |role: Role| {
        let mine = tracks.iter().filter(|track| track.clock.role == role);
        mine.filter_map(Track::media_bound).max().unwrap_or_default()
    };
    let mut found = Vec::new();
    for lane in lanes.iter().filter(|lane| !lane.role().is_primary()) {
        let cameras = media(Role::PRIMARY) + media(lane.role());
        for clock in timeline.clocks().filter(|clock| clock.role == lane.role()) {
            let (mut errors, basis) = errors(lane, timeline, clock, window, join);
            errors.sort_unstable();
            let Some(clock_worst) = errors.last().copied() else { continue };
            let clock_median = errors.get(errors.len() / 2).copied().unwrap_or(clock_worst);
            let middle = window.start + Span::from_nanos((window.end - window.start).nanos() / 2);
            found.push(Alignment {
                clock,
                worst: clock_worst + cameras,
                clock_worst,
                clock_median,
                skew_ppb: timeline.skew_ppb(clock, middle),
                observations: timeline.observations(clock),
                basis,
            });
        }
    }
    found
}

/// The error of a clock at regular instants of what its camera covered.
fn errors(
    lane: &Lane<'_>,
    timeline: &Timeline,
    clock: ClockName,
    window: Window,
    join: impl Join,
) -> (Vec<Span>, Basis) {
    /// Knots of the clock's map lie this far apart; in between the error of a
    /// map differs by less than a microsecond.
    const STEP: Span = Span::from_secs(2);
    let covered = lane.covered.iter().filter(|covered| covered.clock == clock);
    let instants = covered.flat_map(|covered| {
        let (first, last) = covered.own();
        let steps = (last - first).nanos() / STEP.nanos();
        (0..=steps).map(move |step| first + STEP.times(step)).chain([last])
    });
    let instants: Vec<Instant<Own>> = instants.collect();
    let placed = join.map(&instants, |at| timeline.place(clock, *at));
    let is_inside = |placed: &Placed| placed.at >= window.start && placed.at <= window.end;
    let inside: Vec<Placed> = placed.into_iter().flatten().filter(is_inside).collect();
    let basis = inside.iter().map(|placed| placed.basis).fold(Basis::Own, Basis::max);
    (inside.iter().map(Placed::within).collect(), basis)
}
