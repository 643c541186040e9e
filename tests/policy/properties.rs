//! What must hold for every case and every policy, whatever the facts.

use diptych_protocol::ledger::{Loss, Medium, Unknown};
use diptych_protocol::limits;
use diptych_protocol::policy::{
    Case, CountFrom, Excuse, Expected, Judgement, Policy, Scope, Standing, Tally, Terms, Verdict,
    judge,
};
use diptych_protocol::time::{Instant, Primary, Span};
use diptych_protocol::{identity::Role, ledger::Cause};

use crate::random::{Random, Sample, loss, stretch};

const CASES: u64 = 100_000;

fn every_sample(mut check: impl FnMut(&Sample, &Judgement, &mut Random)) {
    for seed in 0..CASES {
        let sample = Sample::draw(seed, 2);
        let judgement = judge(&sample.case, &sample.policy());
        check(&sample, &judgement, &mut Random::new(!seed));
    }
}

/// [POLICY-3]
#[test]
fn the_order_and_repetition_of_facts_change_nothing() {
    every_sample(|sample, judgement, random| {
        let mut case = sample.case.clone();
        case.losses.extend(case.losses.clone().iter().filter(|_| random.one_in(3)));
        case.unknown.extend(case.unknown.clone().iter().filter(|_| random.one_in(3)));
        case.excused.extend(case.excused.clone().iter().filter(|_| random.one_in(3)));
        case.expected.extend(case.expected.clone().iter().filter(|_| random.one_in(3)));
        random.shuffle(&mut case.losses);
        random.shuffle(&mut case.unknown);
        random.shuffle(&mut case.excused);
        random.shuffle(&mut case.expected);
        assert_eq!(&judge(&case, &sample.policy()), judgement, "{sample:#?}");
    });
}

/// [POLICY-3]: a wall clock, a boot or a time zone is nothing but a shift.
#[test]
fn a_shift_of_all_times_shifts_the_answer() {
    every_sample(|sample, judgement, random| {
        let by = Span::from_nanos(random.range(-1_000_000_007, 1_000_000_007));
        let mut shifted = judge(&moved(&sample.case, by), &sample.policy());
        shifted.failed_at = shifted.failed_at.map(|at| at - by);
        for interruption in &mut shifted.interruptions {
            interruption.start = interruption.start - by;
            interruption.end = interruption.end - by;
        }
        assert_eq!(&shifted, judgement, "{sample:#?}");
    });
}

fn moved(case: &Case, by: Span) -> Case {
    let mut case = case.clone();
    case.window.waiting = case.window.waiting.map(|at| at + by);
    (case.window.start, case.window.end) = (case.window.start + by, case.window.end + by);
    let moved = |at: &mut Instant<Primary>| *at = *at + by;
    case.losses.iter_mut().flat_map(|l| [&mut l.start, &mut l.end]).for_each(moved);
    case.unknown.iter_mut().flat_map(|u| [&mut u.start, &mut u.end]).for_each(moved);
    case.excused.iter_mut().flat_map(|e| [&mut e.start, &mut e.end]).for_each(moved);
    case.expected.iter_mut().flat_map(|e| [&mut e.start, &mut e.end]).for_each(moved);
    case
}

/// [POLICY-17]
#[test]
fn an_excuse_never_harms() {
    every_sample(|sample, judgement, random| {
        let (start, end) = stretch(random, sample.unit);
        let mut case = sample.case.clone();
        case.excused.push(Excuse { start, end });
        let excused = judge(&case, &sample.policy());
        assert!(excused.count_min <= judgement.count_min, "{start:?} {end:?} {sample:#?}");
        assert!(excused.count_max <= judgement.count_max, "{start:?} {end:?} {sample:#?}");
        assert!(no_worse(excused.verdict, judgement.verdict), "{start:?} {end:?} {sample:#?}");
    });
}

/// PASS is better than UNDETERMINED is better than FAIL.
fn no_worse(new: Verdict, old: Verdict) -> bool {
    match old {
        Verdict::Pass => new == Verdict::Pass,
        Verdict::Undetermined => new != Verdict::Fail,
        Verdict::Fail | Verdict::NotReady => true,
    }
}

/// [POLICY-12]
#[test]
fn resolving_a_doubt_as_a_whole_never_overturns_a_verdict() {
    every_sample(|sample, judgement, random| {
        let mut case = sample.case.clone();
        let Some(doubt) = case.unknown.pop() else { return };
        // Only a doubt that is the same as another one stays in doubt.
        case.unknown.retain(|other| *other != doubt);
        if random.one_in(2) {
            let Unknown { role, start, end } = doubt;
            let (cause, medium) = (Cause::Unknown, Medium::Picture);
            case.losses.push(Loss { role, start, end, uncertainty: Span::ZERO, cause, medium });
        }
        let resolved = judge(&case, &sample.policy());
        if judgement.verdict != Verdict::Undetermined {
            assert_eq!(resolved.verdict, judgement.verdict, "{doubt:?} {sample:#?}");
        }
        assert!(resolved.count_min >= judgement.count_min, "{doubt:?} {sample:#?}");
        assert!(resolved.count_max <= judgement.count_max, "{doubt:?} {sample:#?}");
    });
}

/// [POLICY-10] [POLICY-11]
#[test]
fn softer_limits_never_harm() {
    every_sample(|sample, judgement, random| {
        let harder = sample.terms;
        let more = Span::from_nanos(random.range(0, 5) * sample.unit);
        let softer = Terms {
            max_count: harder.max_count.filter(|_| !random.one_in(4)).map(|count| count + 1),
            max_duration: harder.max_duration.filter(|_| !random.one_in(4)).map(|d| d + more),
            ..harder
        };
        let judged = judge(&sample.case, &Policy::new(softer).unwrap());
        assert!(no_worse(judged.verdict, judgement.verdict), "{sample:#?}");
        assert_eq!(judged.count_max, judgement.count_max);
    });
}

/// [POLICY-9]
#[test]
fn the_union_counts_at_least_as_much_as_any_role() {
    every_sample(|sample, _, _| {
        let count = |scope| {
            let policy = Policy::new(Terms { scope, ..sample.terms }).unwrap();
            let judgement = judge(&Case { unknown: Vec::new(), ..sample.case.clone() }, &policy);
            assert_eq!(judgement.count_min, judgement.count_max);
            judgement.count_min
        };
        let (union, per_role) = (count(Scope::Union), count(Scope::PerRole));
        assert!(union >= per_role && per_role >= count(Scope::PrimaryOnly), "{sample:#?}");
    });
}

/// [POLICY-6]
#[test]
fn what_lost_less_than_the_least_never_counts() {
    every_sample(|sample, _, random| {
        let least = sample.terms.min_lost.nanos() / sample.unit;
        let mut case = sample.case.clone();
        case.unknown.clear();
        case.losses.clear();
        for role in 0..3 {
            let mut left = (least - 1).max(0);
            while left > 0 {
                let length = random.range(1, left);
                let mut loss = loss(random, sample.unit);
                loss.role = Role::new(role).unwrap();
                loss.end = loss.start + Span::from_nanos(length * sample.unit);
                case.losses.push(loss);
                left -= length;
            }
        }
        let judgement = judge(&case, &sample.policy());
        assert_eq!((judgement.count_min, judgement.count_max), (0, 0), "{case:#?}");
        assert_eq!(judgement.verdict, Verdict::Pass);
    });
}

/// [POLICY-4] [POLICY-16]: what lies outside the window is kept and not counted.
#[test]
fn nothing_outside_the_window_counts() {
    every_sample(|sample, judgement, random| {
        let mut case = sample.case.clone();
        let mut outside = loss(random, sample.unit);
        let waiting = case.window.waiting.unwrap_or(case.window.start);
        if random.one_in(2) {
            outside.end = waiting - Span::from_nanos(random.range(0, 9) * sample.unit);
            outside.start = outside.end - Span::from_secs(500);
        } else {
            outside.start = case.window.end + Span::from_nanos(random.range(0, 9) * sample.unit);
            outside.end = outside.start + Span::from_secs(500);
        }
        case.losses.push(outside);
        let judged = judge(&case, &sample.policy());
        assert_eq!(judged.verdict, judgement.verdict, "{outside:?} {sample:#?}");
        assert_eq!(judged.count_max, judgement.count_max, "{outside:?} {sample:#?}");
        assert_eq!(judged.flags, judgement.flags, "{outside:?} {sample:#?}");
        let counted = judged.interruptions.iter().filter(|i| i.standing == Standing::Counted);
        let start = match sample.terms.count_from {
            CountFrom::Wait => waiting,
            CountFrom::Answer => case.window.start,
        };
        for interruption in counted {
            assert!(start <= interruption.start && interruption.end <= case.window.end);
        }
    });
}

/// [POLICY-13]: what is said of too many doubts holds for every way they may
/// have been.
#[test]
fn the_bounds_for_too_many_doubts_hold() {
    for seed in 0..2_000 {
        let sample = Sample::draw(seed, 6);
        let exact = judge(&sample.case, &sample.policy());
        let mut random = Random::new(!seed);
        let mut case = sample.case.clone();
        while case.unknown.len() <= 2 * limits::UNKNOWN_TRIED {
            let (start, end) = stretch(&mut random, sample.unit);
            case.unknown.push(Unknown { role: Role::PRIMARY, start, end });
        }
        let judgement = judge(&case, &sample.policy());
        assert!(judgement.count_min <= exact.count_min, "{sample:#?} {case:#?}");
        assert!(judgement.count_max >= exact.count_max, "{sample:#?} {case:#?}");
        if judgement.verdict != exact.verdict {
            assert_eq!(judgement.verdict, Verdict::Undetermined);
        }
    }
}

/// [POLICY-26] [POLICY-27]
#[test]
fn the_tally_follows_the_judgement_and_never_takes_back() {
    every_sample(|sample, judgement, random| {
        let policy = sample.policy();
        let tally = Tally::of(judgement, &policy);
        assert_eq!(tally.confirmed, judgement.count_min);
        assert_eq!(tally.confirmed + tally.pending, judgement.count_max);
        let limit = sample.terms.max_count;
        assert_eq!(tally.remaining, limit.map(|most| most.saturating_sub(tally.confirmed)));
        let earlier =
            Tally { confirmed: u32::try_from(random.range(0, 5)).unwrap(), ..Tally::default() };
        let shown = tally.following(earlier, &policy);
        assert_eq!(shown.confirmed, tally.confirmed.max(earlier.confirmed));
        assert_eq!(
            shown.confirmed + shown.pending,
            judgement.count_max.max(earlier.confirmed),
            "what is pending does not grow by it"
        );
    });
}

/// [POLICY-3]: total, at the ends of time and with reversed windows too.
#[test]
fn no_case_is_too_strange() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let mut random = Random::new(1);
    let end = |random: &mut Random| {
        Instant::<Primary>::from_nanos(ends[usize::try_from(random.range(0, 6)).unwrap()])
    };
    for seed in 0..20_000 {
        let Sample { mut case, terms, .. } = Sample::draw(seed, 2);
        (case.window.start, case.window.end) = (end(&mut random), end(&mut random));
        case.window.waiting = Some(end(&mut random));
        for loss in &mut case.losses {
            (loss.start, loss.end) = (end(&mut random), end(&mut random));
            loss.uncertainty = end(&mut random) - Instant::from_nanos(0);
        }
        for gap in &mut case.unknown {
            (gap.start, gap.end) = (end(&mut random), end(&mut random));
        }
        for gap in &mut case.excused {
            (gap.start, gap.end) = (end(&mut random), end(&mut random));
        }
        for Expected { start, end: until, .. } in &mut case.expected {
            (*start, *until) = (end(&mut random), end(&mut random));
        }
        let judgement = judge(&case, &Policy::new(terms).unwrap());
        assert!(judgement.count_min <= judgement.count_max);
    }
}
