//! A second reading of the rules that shares nothing with the first: time is a
//! row of cells, each lost or covered, and every rule walks the row.
//!
//! Slow, bounded to cases whose times are whole units, and obvious.

use std::collections::{BTreeMap, BTreeSet};

use diptych_protocol::ledger::Medium;
use diptych_protocol::policy::{
    Case, CountFrom, ExpectedIn, Judgement, Scope, Sound, Terms, judge,
};
use diptych_protocol::time::Instant;

use crate::random::{Sample, WAITING, WINDOW};

/// What both implementations must agree on.
#[derive(PartialEq, Eq, Debug)]
struct Answer {
    verdict: &'static str,
    reasons: BTreeSet<&'static str>,
    count: (u32, u32),
    flags: BTreeSet<&'static str>,
    /// In units.
    failed_at: Option<i64>,
}

impl Answer {
    fn of(judgement: &Judgement, unit: i64) -> Self {
        Self {
            verdict: judgement.verdict.name(),
            reasons: judgement.reasons.iter().map(|reason| reason.name()).collect(),
            count: (judgement.count_min, judgement.count_max),
            flags: judgement.flags.iter().map(|flag| flag.name()).collect(),
            failed_at: judgement.failed_at.map(|at| {
                assert_eq!(at.nanos() % unit, 0);
                at.nanos() / unit
            }),
        }
    }
}

/// The cells of one role: index 0 is `WAITING` units before the window.
#[derive(Clone, Default)]
struct Row {
    /// The uncertainty of the losses that cover the cell, in units.
    lost: BTreeMap<i64, i64>,
    excused: BTreeSet<i64>,
}

/// One interruption, in units.
struct Found {
    role: u8,
    start: i64,
    duration: i64,
    uncertainty: i64,
    /// When it had lost enough.
    counts_at: i64,
    /// When its length was beyond doubt.
    over_at: Option<i64>,
}

struct Outcome {
    count: u32,
    too_many_at: Option<i64>,
    too_long_at: Option<i64>,
    marginal: bool,
    hiccup: bool,
}

struct Oracle<'a> {
    case: &'a Case,
    terms: &'a Terms,
    unit: i64,
    window: (i64, i64),
}

impl Oracle<'_> {
    fn units<C>(&self, at: Instant<C>) -> i64 {
        at.nanos() / self.unit
    }

    fn span(&self, span: diptych_protocol::time::Span) -> i64 {
        span.nanos() / self.unit
    }

    fn cells<C>(&self, start: Instant<C>, end: Instant<C>) -> impl Iterator<Item = i64> {
        self.units(start).max(self.window.0)..self.units(end).min(self.window.1)
    }

    fn row(&self, role: u8) -> Row {
        let mut row = Row::default();
        for loss in self.case.losses.iter().filter(|loss| loss.role.number() == role) {
            if loss.medium == Medium::Sound && self.terms.sound == Sound::Flagged {
                continue;
            }
            for cell in self.cells(loss.start, loss.end) {
                let known = row.lost.entry(cell).or_default();
                *known = (*known).max(self.span(loss.uncertainty));
            }
        }
        for excuse in &self.case.excused {
            row.excused.extend(self.cells(excuse.start, excuse.end));
        }
        for gap in self.case.expected.iter().filter(|gap| gap.role.number() == role) {
            let first = self.units(gap.start);
            for cell in self.cells(gap.start, gap.end) {
                let forgiven = match self.terms.expected_in {
                    ExpectedIn::Nowhere => false,
                    ExpectedIn::Waiting => cell < 0,
                    ExpectedIn::Anywhere => true,
                };
                if forgiven && cell < first + self.span(self.terms.expected_max) {
                    row.excused.insert(cell);
                }
            }
        }
        row
    }

    /// R2 and R3: walks the row; `stable` covered cells in a row end an
    /// interruption.
    fn interruptions(&self, role: u8, row: &Row, hiccup: &mut bool) -> Vec<Found> {
        let mut found = Vec::new();
        let mut current: Option<Vec<i64>> = None;
        for cell in self.window.0..=self.window.1 {
            let is_lost = row.lost.contains_key(&cell);
            if let Some(cells) = &current {
                let last = *cells.last().expect("never empty");
                let covered = cell - last - 1;
                let over = cell == self.window.1
                    || (covered > 0 && covered >= self.span(self.terms.stable));
                if over {
                    found.extend(self.examine(role, row, cells, hiccup));
                    current = None;
                }
            }
            if is_lost {
                current.get_or_insert_default().push(cell);
            }
        }
        found
    }

    fn examine(&self, role: u8, row: &Row, cells: &[i64], hiccup: &mut bool) -> Option<Found> {
        let (start, end) = (cells[0], cells[cells.len() - 1] + 1);
        let counted: Vec<i64> =
            cells.iter().copied().filter(|cell| !row.excused.contains(cell)).collect();
        let least = usize::try_from(self.span(self.terms.min_lost)).expect("not negative");
        if counted.len() < least || counted.is_empty() {
            *hiccup = true;
            return None;
        }
        let running: Vec<i64> = (start..end).filter(|cell| !row.excused.contains(cell)).collect();
        let uncertainty = cells.iter().map(|cell| row.lost[cell]).max().expect("never empty");
        let duration = i64::try_from(running.len()).expect("short");
        let over_at = self.terms.max_duration.map(|limit| self.span(limit)).and_then(|limit| {
            let proof = usize::try_from(limit + uncertainty).expect("not negative");
            if running.len() <= proof {
                None
            } else if proof == 0 {
                Some(running[0])
            } else {
                Some(running[proof - 1] + 1)
            }
        });
        let counts_at = if least == 0 { counted[0] } else { counted[least - 1] + 1 };
        Some(Found { role, start, duration, uncertainty, counts_at, over_at })
    }

    /// R4, word by word.
    fn episodes<'f>(&self, found: &'f [Found]) -> Vec<Vec<&'f Found>> {
        let mut episodes: Vec<Vec<&Found>> = Vec::new();
        for interruption in found {
            let place = episodes.iter_mut().find(|episode| {
                interruption.start - episode[0].start <= self.span(self.terms.onset)
                    && episode.iter().all(|member| member.role != interruption.role)
            });
            match place {
                Some(episode) => episode.push(interruption),
                None => episodes.push(vec![interruption]),
            }
        }
        episodes
    }

    fn outcome(&self, rows: &BTreeMap<u8, Row>) -> Outcome {
        let mut hiccup = false;
        let mut found: Vec<Found> = Vec::new();
        for (role, row) in rows {
            found.extend(self.interruptions(*role, row, &mut hiccup));
        }
        found.retain(|i| i.role == 0 || self.terms.scope != Scope::PrimaryOnly);
        found.sort_by_key(|interruption| (interruption.start, interruption.role));
        // When each unit of the count was reached, per group that is counted.
        let groups: Vec<Vec<i64>> = match self.terms.scope {
            Scope::Union | Scope::PrimaryOnly => vec![
                self.episodes(&found)
                    .iter()
                    .map(|e| e.iter().map(|i| i.counts_at).min().expect("never empty"))
                    .collect(),
            ],
            Scope::PerRole => (0..3)
                .map(|role| found.iter().filter(|i| i.role == role).map(|i| i.counts_at).collect())
                .collect(),
        };
        let count = groups.iter().map(Vec::len).max().unwrap_or(0);
        let too_many_at = self.terms.max_count.and_then(|most| {
            let over = groups.iter().filter_map(|group| {
                let mut group = group.clone();
                group.sort_unstable();
                group.get(usize::try_from(most).expect("small")).copied()
            });
            over.min()
        });
        let limit = self.terms.max_duration.map(|limit| self.span(limit));
        Outcome {
            count: u32::try_from(count).expect("small"),
            too_many_at,
            too_long_at: found.iter().filter_map(|i| i.over_at).min(),
            marginal: limit.is_some_and(|limit| {
                found.iter().any(|i| i.over_at.is_none() && i.duration + i.uncertainty > limit)
            }),
            hiccup,
        }
    }

    fn judge(&self) -> Answer {
        let rows: BTreeMap<u8, Row> = (0..3).map(|role| (role, self.row(role))).collect();
        let all: BTreeSet<(u8, i64, i64)> = (self.case.unknown.iter())
            .map(|gap| {
                let (start, end) = (self.units(gap.start), self.units(gap.end));
                (gap.role.number(), start.max(self.window.0), end.min(self.window.1))
            })
            .filter(|(_, start, end)| start < end)
            .collect();
        let doubts: Vec<_> = all
            .iter()
            .filter(|(role, ..)| *role == 0 || self.terms.scope != Scope::PrimaryOnly)
            .collect();
        let mut outcomes = Vec::new();
        for combination in 0..1_u32 << doubts.len() {
            let mut rows = rows.clone();
            for (index, (role, start, end)) in doubts.iter().enumerate() {
                if combination & (1 << index) != 0 {
                    let row = rows.get_mut(role).expect("three rows");
                    (*start..*end).for_each(|cell| _ = row.lost.entry(cell).or_default());
                }
            }
            outcomes.push(self.outcome(&rows));
        }
        let failed = |o: &Outcome| o.too_many_at.is_some() || o.too_long_at.is_some();
        let verdict = if outcomes.iter().all(failed) {
            "FAIL"
        } else if outcomes.iter().any(failed) {
            "UNDETERMINED"
        } else {
            "PASS"
        };
        let known = &outcomes[0];
        let (mut reasons, mut failed_at) = (BTreeSet::new(), None);
        if verdict == "FAIL" {
            reasons.extend(known.too_many_at.map(|_| "COUNT"));
            reasons.extend(known.too_long_at.map(|_| "DURATION"));
            failed_at = known.too_many_at.into_iter().chain(known.too_long_at).min();
        }
        let silent = self.case.losses.iter().any(|loss| {
            loss.medium == Medium::Sound && self.cells(loss.start, loss.end).next().is_some()
        });
        let flags = [
            (known.hiccup, "HICCUP"),
            (outcomes.iter().any(|o| o.marginal), "MARGINAL"),
            (!all.is_empty(), "EVIDENCE_GAP"),
            (silent, "AUDIO_LOSS"),
        ];
        Answer {
            verdict,
            reasons,
            count: (
                outcomes.iter().map(|o| o.count).min().expect("at least one"),
                outcomes.iter().map(|o| o.count).max().expect("at least one"),
            ),
            flags: flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect(),
            failed_at,
        }
    }
}

fn ask(sample: &Sample) -> Answer {
    let waited = sample.terms.count_from == CountFrom::Wait && sample.case.window.waiting.is_some();
    let window = (if waited { -WAITING } else { 0 }, WINDOW);
    Oracle { case: &sample.case, terms: &sample.terms, unit: sample.unit, window }.judge()
}

/// [POLICY-3] to [POLICY-19]: two implementations, one answer.
#[test]
fn the_rules_agree_with_a_row_of_cells() {
    let mut seen: BTreeMap<&'static str, u32> = BTreeMap::new();
    for seed in 0..100_000 {
        let sample = Sample::draw(seed, 3);
        let (expected, got) =
            (ask(&sample), Answer::of(&judge(&sample.case, &sample.policy()), sample.unit));
        assert_eq!(expected, got, "seed {seed}: {sample:#?}");
        *seen.entry(got.verdict).or_default() += 1;
    }
    // A generator that only draws clean exams would prove nothing.
    for verdict in ["PASS", "FAIL", "UNDETERMINED"] {
        assert!(seen.get(verdict).is_some_and(|n| *n > 5_000), "{verdict} is too rare: {seen:?}");
    }
}
