//! Random cases in which boundaries are met often: few units of time, few
//! roles, limits of the same size as the losses.

use diptych_protocol::identity::{Label, Role};
use diptych_protocol::ledger::{Cause, Loss, Medium, Unknown};
use diptych_protocol::policy::{
    Case, CountFrom, Excuse, Expected, ExpectedIn, Policy, Scope, Sound, Terms, Window,
};
use diptych_protocol::time::{Instant, Primary, Span};

/// The length of the window in units.
pub(crate) const WINDOW: i64 = 60;
/// The waiting window before it.
pub(crate) const WAITING: i64 = 12;

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `least` up to and including `most`.
    pub(crate) fn range(&mut self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most - least).expect("least ≤ most") + 1;
        least + i64::try_from(self.next() % span).expect("below an i64 span")
    }

    pub(crate) fn one_in(&mut self, n: i64) -> bool {
        self.range(1, n) == 1
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.range(0, i64::try_from(end).expect("short"));
            items.swap(end, usize::try_from(other).expect("not negative"));
        }
    }
}

/// A case and a policy, and the unit that all their times are multiples of.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) case: Case,
    pub(crate) terms: Terms,
    pub(crate) unit: i64,
}

impl Sample {
    pub(crate) fn policy(&self) -> Policy {
        Policy::new(self.terms).expect("every drawn policy is possible")
    }

    /// Draws everything; at most `doubts` unknown stretches.
    pub(crate) fn draw(seed: u64, doubts: i64) -> Self {
        let mut random = Random::new(seed);
        let unit = [1, 7, 250_000_000, 1_000_000_000][usize_below(&mut random, 4)];
        let terms = terms(&mut random, unit);
        let at = |units: i64| Instant::from_nanos(units * unit);
        let mut case = Case::clean(at(0), at(WINDOW));
        case.window = Window {
            waiting: (!random.one_in(4)).then(|| at(-WAITING)),
            start: at(0),
            end: at(WINDOW),
        };
        for _ in 0..random.range(0, 7) {
            let loss = loss(&mut random, unit);
            case.losses.push(loss);
        }
        for _ in 0..random.range(-2, doubts) {
            let (start, end) = stretch(&mut random, unit);
            case.unknown.push(Unknown { role: role(&mut random), start, end });
        }
        for _ in 0..random.range(-3, 2) {
            let (start, end) = stretch(&mut random, unit);
            case.excused.push(Excuse { start, end });
        }
        for _ in 0..random.range(-3, 2) {
            let (start, end) = stretch(&mut random, unit);
            case.expected.push(Expected { role: role(&mut random), start, end });
        }
        Self { case, terms, unit }
    }
}

fn usize_below(random: &mut Random, n: i64) -> usize {
    usize::try_from(random.range(0, n - 1)).expect("not negative")
}

fn terms(random: &mut Random, unit: i64) -> Terms {
    let seed = *Policy::preset("xyb-seed").expect("a preset").terms();
    let mut span = |least, most| Span::from_nanos(random.range(least, most) * unit);
    let (min_lost, stable, onset) = (span(0, 4), span(0, 5), span(0, 8));
    let (max_duration, expected_max) = (span(0, 20), span(0, 6));
    Terms {
        name: Label::new("random").expect("a label"),
        max_count: (!random.one_in(6))
            .then(|| u32::try_from(random.range(0, 4)).expect("not negative")),
        max_duration: (!random.one_in(4)).then_some(max_duration),
        min_lost,
        stable,
        onset,
        scope: [Scope::Union, Scope::Union, Scope::PerRole, Scope::PrimaryOnly]
            [usize_below(random, 4)],
        count_from: [CountFrom::Answer, CountFrom::Wait][usize_below(random, 2)],
        sound: [Sound::Flagged, Sound::Counted][usize_below(random, 2)],
        expected_max,
        expected_in: [ExpectedIn::Nowhere, ExpectedIn::Waiting, ExpectedIn::Anywhere]
            [usize_below(random, 3)],
        ..seed
    }
}

pub(crate) fn role(random: &mut Random) -> Role {
    Role::new(u8::try_from(random.range(0, 2)).expect("small")).expect("a role")
}

/// Usually short, sometimes beyond the window, sometimes empty or reversed.
pub(crate) fn stretch(random: &mut Random, unit: i64) -> (Instant<Primary>, Instant<Primary>) {
    let start = random.range(-WAITING - 3, WINDOW + 3);
    let length = if random.one_in(5) { random.range(-1, 30) } else { random.range(0, 8) };
    (Instant::from_nanos(start * unit), Instant::from_nanos((start + length) * unit))
}

pub(crate) fn loss(random: &mut Random, unit: i64) -> Loss {
    let (start, end) = stretch(random, unit);
    Loss {
        role: role(random),
        start,
        end,
        uncertainty: Span::from_nanos(random.range(0, 3) * unit),
        cause: Cause::ALL[usize_below(random, 18)],
        medium: if random.one_in(6) { Medium::Sound } else { Medium::Picture },
    }
}
