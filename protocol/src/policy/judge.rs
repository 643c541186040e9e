//! Rules R1 to R14, applied.
//!
//! A *reading* is one way in which the unknown may have been: every stretch
//! wholly covered or wholly lost. Each reading is judged like a case without
//! doubt, and only what all readings agree on is a PASS or a FAIL. The two
//! extremes are not enough: a stretch that bridges two interruptions makes one
//! of them when it is lost, so the count may *fall*.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Interruption, Judgement, Length, Reason, Standing, Verdict};
use super::merge::{
    Merged, Piece, Stretch, join_pieces, join_stretches, merge, reached, remaining,
};
use super::{CountFrom, ExpectedIn, Policy, Scope, Sound, Terms, episode};
use crate::identity::Role;
use crate::ledger::{Cause, Flag, Loss, Medium};
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// What is known of one role.
#[derive(Default)]
struct Lane {
    /// Proven losses in the window, joined.
    pieces: Vec<Piece>,
    /// Forgiven time, joined.
    excused: Vec<Stretch>,
    /// What `pieces` make when everything unknown was covered.
    known: Vec<Merged>,
}

/// A case cut to what the policy looks at.
struct Docket<'a> {
    terms: &'a Terms,
    lanes: BTreeMap<Role, Lane>,
    /// Unknown stretches that could matter, each once.
    doubts: Vec<(Role, Stretch)>,
}

/// One reading, judged.
struct Reading {
    interruptions: Vec<Interruption>,
    /// Per interruption: when it had lost enough to count.
    counts_at: Vec<Instant<Primary>>,
    count: u32,
    reasons: BTreeSet<Reason>,
}

/// Applies `policy` to `case`. Pure and total: the same arguments give the same
/// judgement on every machine, and no argument makes it fail. `[POLICY-3]`
#[must_use]
pub fn judge(case: &Case, policy: &Policy) -> Judgement {
    let terms = policy.terms();
    if !case.ready {
        // [POLICY-28]
        return not_ready();
    }
    let window = counted_window(case, terms);
    let mut flags = BTreeSet::new();
    if case.unknown.iter().any(|gap| !Stretch::new(gap.start, gap.end).clip(window).is_empty()) {
        // [POLICY-12]
        flags.insert(Flag::EvidenceGap);
    }
    if case.losses.iter().any(|loss| loss.medium == Medium::Sound && !clip(loss, window).is_empty())
    {
        // [POLICY-15]
        flags.insert(Flag::AudioLoss);
    }
    let docket = Docket::new(case, terms, window);
    let base = docket.read(0);
    if base.interruptions.iter().any(|i| matches!(i.standing, Standing::Hiccup | Standing::Excused))
    {
        // [POLICY-6]
        flags.insert(Flag::Hiccup);
    }
    let (verdict, count_min, count_max) = docket.settle(&base, &mut flags);
    // Only what is proven is given as a reason.
    let (reasons, failed_at) = match verdict {
        Verdict::Fail => (base.reasons.clone(), docket.failed_at(&base)),
        Verdict::Pass | Verdict::Undetermined | Verdict::NotReady => (BTreeSet::new(), None),
    };
    let mut interruptions = base.interruptions;
    interruptions.extend(uncounted(case, terms, window, &docket));
    interruptions.sort_by_key(|i| (i.start, i.role, i.end));
    Judgement { verdict, reasons, failed_at, count_min, count_max, interruptions, flags }
}

impl<'a> Docket<'a> {
    fn new(case: &Case, terms: &'a Terms, window: Stretch) -> Self {
        let mut lanes: BTreeMap<Role, Lane> = BTreeMap::new();
        for loss in case.losses.iter().filter(|loss| counts(loss, terms)) {
            // [POLICY-4]
            let piece = Piece { at: clip(loss, window), ..piece(loss) };
            lanes.entry(loss.role).or_default().pieces.push(piece);
        }
        let mut doubts = BTreeSet::new();
        for gap in &case.unknown {
            let at = Stretch::new(gap.start, gap.end).clip(window);
            if !at.is_empty() && in_scope(gap.role, terms) {
                lanes.entry(gap.role).or_default();
                doubts.insert((gap.role, at));
            }
        }
        for (role, lane) in &mut lanes {
            lane.pieces = join_pieces(core::mem::take(&mut lane.pieces));
            lane.excused = forgiven(case, terms, *role);
            lane.known = merge(&lane.pieces, &lane.excused, terms.stable, terms.min_lost);
        }
        Self { terms, lanes, doubts: doubts.into_iter().collect() }
    }

    /// The verdict, and the least and greatest count, over all readings.
    /// `[POLICY-12]`
    fn settle(&self, base: &Reading, flags: &mut BTreeSet<Flag>) -> (Verdict, u32, u32) {
        mark(base, flags);
        if self.doubts.len() > limits::UNKNOWN_TRIED {
            // [POLICY-13]
            let doubts = u32::try_from(self.doubts.len()).unwrap_or(u32::MAX);
            let least = base.count.saturating_sub(self.disputed(base));
            return (Verdict::Undetermined, least, base.count.saturating_add(doubts));
        }
        let (mut least, mut most) = (base.count, base.count);
        let (mut passes, mut fails) = (base.reasons.is_empty(), !base.reasons.is_empty());
        for lost in 1..1_u32 << self.doubts.len() {
            let reading = self.read(lost);
            mark(&reading, flags);
            least = least.min(reading.count);
            most = most.max(reading.count);
            passes |= reading.reasons.is_empty();
            fails |= !reading.reasons.is_empty();
        }
        let verdict = match (passes, fails) {
            (true, false) => Verdict::Pass,
            (false, true) => Verdict::Fail,
            _ => Verdict::Undetermined,
        };
        (verdict, least, most)
    }

    /// How many counted interruptions a doubt could swallow or move.
    fn disputed(&self, base: &Reading) -> u32 {
        let mut doubts: BTreeMap<Role, Vec<Stretch>> = BTreeMap::new();
        for (role, at) in &self.doubts {
            let wide = Stretch::new(at.start - self.terms.stable, at.end + self.terms.stable);
            doubts.entry(*role).or_default().push(wide);
        }
        let doubts: BTreeMap<_, _> =
            doubts.into_iter().map(|(role, wide)| (role, join_stretches(wide))).collect();
        let disputed = base.interruptions.iter().filter(|i| {
            let wide = doubts.get(&i.role).map_or(&[][..], Vec::as_slice);
            let next = wide.partition_point(|doubt| doubt.end < i.start);
            i.standing == Standing::Counted && wide.get(next).is_some_and(|d| d.start <= i.end)
        });
        u32::try_from(disputed.count()).unwrap_or(u32::MAX)
    }

    /// Judges the case as if the doubts whose bit is set in `lost` were lost and
    /// the others covered. `[POLICY-12]`
    fn read(&self, lost: u32) -> Reading {
        let mut found: Vec<(Role, Merged)> = Vec::new();
        for (role, lane) in &self.lanes {
            let mut extra = self
                .doubts
                .iter()
                .enumerate()
                .filter(|(index, (of, _))| of == role && lost >> index & 1 == 1)
                .map(|(_, (_, at))| doubt_piece(*at))
                .peekable();
            if extra.peek().is_none() {
                found.extend(lane.known.iter().map(|merged| (*role, *merged)));
                continue;
            }
            let pieces = join_pieces(lane.pieces.iter().copied().chain(extra).collect());
            let merged = merge(&pieces, &lane.excused, self.terms.stable, self.terms.min_lost);
            found.extend(merged.into_iter().map(|merged| (*role, merged)));
        }
        found.sort_by_key(|(role, merged)| (merged.at.start, *role));
        self.weigh(&found)
    }

    fn weigh(&self, found: &[(Role, Merged)]) -> Reading {
        let mut interruptions: Vec<_> =
            found.iter().map(|(role, merged)| self.examine(*role, merged)).collect();
        let standing = interruptions.iter_mut().filter(|i| i.standing == Standing::Counted);
        let mut candidates: Vec<_> = standing.collect();
        let begun = candidates.iter().map(|i| (i.start, i.role));
        let numbers = episode::assign(begun, self.terms.onset);
        let mut seen = 0;
        for (interruption, number) in candidates.iter_mut().zip(numbers) {
            interruption.episode = u32::try_from(number).ok();
            // A new episode always has the next number.
            if number > seen {
                seen = number;
            } else if self.terms.scope == Scope::Union {
                interruption.standing = Standing::SameEpisode;
            }
        }
        let count = self.count(&interruptions);
        let mut reasons = BTreeSet::new();
        if self.terms.max_count.is_some_and(|most| count > most) {
            // [POLICY-11]
            reasons.insert(Reason::Count);
        }
        if interruptions.iter().any(|i| i.length == Length::Over) {
            reasons.insert(Reason::Duration);
        }
        let counts_at = found.iter().map(|(_, merged)| merged.counts_at).collect();
        Reading { interruptions, counts_at, count, reasons }
    }

    /// R3, R5's scope and R6, on one interruption.
    fn examine(&self, role: Role, merged: &Merged) -> Interruption {
        let standing = if merged.lost < self.terms.min_lost || merged.lost == Span::ZERO {
            // [POLICY-6]
            if merged.gross < self.terms.min_lost { Standing::Hiccup } else { Standing::Excused }
        } else if in_scope(role, self.terms) {
            Standing::Counted
        } else {
            Standing::OutOfScope
        };
        let length = match self.terms.max_duration {
            Some(limit) if standing == Standing::Counted => length(merged, limit),
            _ => Length::Within,
        };
        Interruption { length, ..interruption(role, merged, standing) }
    }

    /// R5. `[POLICY-9]`
    fn count(&self, interruptions: &[Interruption]) -> u32 {
        let mut per_role: BTreeMap<Role, u32> = BTreeMap::new();
        for counted in interruptions.iter().filter(|i| i.standing == Standing::Counted) {
            *per_role.entry(counted.role).or_default() += 1;
        }
        match self.terms.scope {
            Scope::Union | Scope::PrimaryOnly => per_role.values().sum(),
            Scope::PerRole => per_role.values().copied().max().unwrap_or_default(),
        }
    }

    /// R14: when the first reason became true. `[POLICY-19]`
    fn failed_at(&self, base: &Reading) -> Option<Instant<Primary>> {
        // Per group, when each of its members was in the count: an episode is as
        // soon as one of its interruptions is.
        let mut groups: BTreeMap<Role, BTreeMap<u32, Instant<Primary>>> = BTreeMap::new();
        let mut first: Option<Instant<Primary>> = None;
        let mut note = |at: Instant<Primary>| first = Some(first.map_or(at, |known| known.min(at)));
        for (interruption, counts_at) in base.interruptions.iter().zip(&base.counts_at) {
            let Some(episode) = interruption.episode else { continue };
            let group = match self.terms.scope {
                Scope::PerRole => interruption.role,
                Scope::Union | Scope::PrimaryOnly => Role::PRIMARY,
            };
            let members = groups.entry(group).or_default();
            let at = members.entry(episode).or_insert(*counts_at);
            *at = (*at).min(*counts_at);
            if let (Length::Over, Some(limit)) = (interruption.length, self.terms.max_duration) {
                let at = Stretch::new(interruption.start, interruption.end);
                let excused = self.lanes.get(&interruption.role).map(|l| l.excused.as_slice());
                let parts = remaining(at, excused.unwrap_or_default());
                note(reached(parts, limit + interruption.uncertainty).unwrap_or(at.end));
            }
        }
        if let Some(most) = self.terms.max_count.and_then(|most| usize::try_from(most).ok()) {
            for members in groups.values() {
                let mut instants: Vec<_> = members.values().copied().collect();
                instants.sort_unstable();
                instants.get(most).copied().map(&mut note);
            }
        }
        first
    }
}

fn not_ready() -> Judgement {
    Judgement {
        verdict: Verdict::NotReady,
        reasons: BTreeSet::new(),
        failed_at: None,
        count_min: 0,
        count_max: 0,
        interruptions: Vec::new(),
        flags: BTreeSet::new(),
    }
}

/// The time in which losses count. `[POLICY-16]`
fn counted_window(case: &Case, terms: &Terms) -> Stretch {
    let start = match (terms.count_from, case.window.waiting) {
        (CountFrom::Wait, Some(waiting)) => waiting.min(case.window.start),
        (CountFrom::Wait, None) | (CountFrom::Answer, _) => case.window.start,
    };
    Stretch::new(start, case.window.end)
}

/// What is kept for the record although no rule counts it.
fn uncounted(
    case: &Case,
    terms: &Terms,
    window: Stretch,
    docket: &Docket<'_>,
) -> Vec<Interruption> {
    let before = Stretch::new(Instant::from_nanos(i64::MIN), window.start);
    let mut lanes: BTreeMap<(Role, Medium), (Vec<Piece>, Vec<Piece>)> = BTreeMap::new();
    for loss in &case.losses {
        let (waiting, silent) = lanes.entry((loss.role, loss.medium)).or_default();
        waiting.push(Piece { at: clip(loss, before), ..piece(loss) });
        if !counts(loss, terms) {
            silent.push(Piece { at: clip(loss, window), ..piece(loss) });
        }
    }
    let mut out = Vec::new();
    for ((role, _), (waiting, silent)) in lanes {
        let excused = docket.lanes.get(&role).map(|lane| lane.excused.as_slice());
        for (pieces, standing) in [(waiting, Standing::Waiting), (silent, Standing::Sound)] {
            let pieces = join_pieces(pieces);
            let merged = merge(&pieces, excused.unwrap_or_default(), terms.stable, terms.min_lost);
            out.extend(merged.iter().map(|merged| interruption(role, merged, standing)));
        }
    }
    out
}

/// Signed excuses, and as much of the announced gaps as the policy forgives.
fn forgiven(case: &Case, terms: &Terms, role: Role) -> Vec<Stretch> {
    let signed = case.excused.iter().map(|excuse| Stretch::new(excuse.start, excuse.end));
    let announced = case.expected.iter().filter(|gap| gap.role == role).filter_map(|gap| {
        // [POLICY-18]
        let until = match terms.expected_in {
            ExpectedIn::Nowhere => return None,
            ExpectedIn::Waiting => gap.end.min(case.window.start),
            ExpectedIn::Anywhere => gap.end,
        };
        Some(Stretch::new(gap.start, until.min(gap.start + terms.expected_max)))
    });
    join_stretches(signed.chain(announced).collect())
}

fn counts(loss: &Loss, terms: &Terms) -> bool {
    loss.medium == Medium::Picture || terms.sound == Sound::Counted
}

fn in_scope(role: Role, terms: &Terms) -> bool {
    role.is_primary() || terms.scope != Scope::PrimaryOnly
}

fn clip(loss: &Loss, window: Stretch) -> Stretch {
    Stretch::new(loss.start, loss.end).clip(window)
}

fn piece(loss: &Loss) -> Piece {
    let uncertainty = loss.uncertainty.max(Span::ZERO);
    Piece { at: Stretch::new(loss.start, loss.end), uncertainty, cause: loss.cause }
}

const fn doubt_piece(at: Stretch) -> Piece {
    Piece { at, uncertainty: Span::ZERO, cause: Cause::Unknown }
}

/// R6. `[POLICY-10]`
fn length(merged: &Merged, limit: Span) -> Length {
    if merged.duration - merged.uncertainty > limit {
        Length::Over
    } else if merged.duration + merged.uncertainty > limit {
        Length::Marginal
    } else {
        Length::Within
    }
}

const fn interruption(role: Role, merged: &Merged, standing: Standing) -> Interruption {
    Interruption {
        role,
        start: merged.at.start,
        end: merged.at.end,
        lost: merged.lost,
        duration: merged.duration,
        uncertainty: merged.uncertainty,
        cause: merged.cause,
        episode: None,
        standing,
        length: Length::Within,
    }
}

fn mark(reading: &Reading, flags: &mut BTreeSet<Flag>) {
    if reading.interruptions.iter().any(|i| i.length == Length::Marginal) {
        flags.insert(Flag::Marginal);
    }
}
