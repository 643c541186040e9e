//! What is believed once a session is over.

use super::*;
use crate::join::InTurn;

#[test]
fn a_longer_path_is_taken_out_of_the_estimate_and_not_of_the_interval() {
    // [CLOCK-30] [CLOCK-31] [LIMITS-27] [LIMITS-28] [LIMITS-29]
    let random = &mut Random(17);
    let truth = straight(700 * SECOND);
    let roam = 300 * SECOND;
    let longer = |at| if at >= roam { 500_000 } else { 0 };
    let constraints = exchanges(random, &truth, SECOND, 600 * SECOND, longer);
    let estimator = observed(&constraints);
    let at = 600 * SECOND;
    let here = estimator.estimate(Instant::from_nanos(at)).unwrap();
    assert!(error(&truth, at, here.offset) < 100_000, "250 µs without correction: {here:?}");
    assert!(here.high - here.low > Span::from_micros(1_900), "{here:?}");
    let observations: Vec<_> = constraints.into_iter().map(plain).collect();
    for knot in smooth(&observations, None).stretches()[0].knots() {
        assert!(error(&truth, knot.at.nanos(), knot.here.offset) < 90_000, "{knot:?}");
    }
}

#[test]
fn half_of_the_messages_judges_the_other() {
    // [CLOCK-14]: where no message touches a floor, the bulk of them is believed.
    let random = &mut Random(31);
    let truth = straight(700 * SECOND);
    let gamma = |random: &mut Random| 800_000 + (0..12).map(|_| random.below(400_000)).sum::<i64>();
    let mut constraints = Vec::new();
    for at in (1..600).map(|second| second * SECOND) {
        constraints.push(truth.forward(at, gamma(random)));
        constraints.push(truth.backward(at + SECOND / 2, gamma(random)));
    }
    let points: Vec<_> = constraints.iter().map(Constraint::point).collect();
    let judge = candidates::Candidates::of(&points, InTurn).unwrap();
    let whole = (Instant::from_nanos(0), Instant::from_nanos(600 * SECOND));
    assert!(matches!(judge.best(whole, InTurn).within, candidates::Candidate::Bulk(_)));
    let quiet = exchanges(random, &truth, SECOND, 600 * SECOND, |_| 0);
    let mut points: Vec<_> = quiet.iter().map(Constraint::point).collect();
    points.sort_unstable();
    let judge = candidates::Candidates::of(&points, InTurn).unwrap();
    assert!(!matches!(judge.best(whole, InTurn).within, candidates::Candidate::Bulk(_)));
}

#[test]
fn directions_that_are_unlike_do_not_move_the_bulk() {
    // [CLOCK-14]: no message touches a floor, and one direction is a third slower.
    let random = &mut Random(37);
    let truth = straight(1_900 * SECOND);
    let gamma = |random: &mut Random| (0..6).map(|_| random.below(800_000)).sum::<i64>();
    let mut points = Vec::new();
    for at in (1..3_600).map(|half| half * SECOND / 2) {
        points.push(truth.forward(at, 800_000 + gamma(random) * 4 / 3).point());
        points.push(truth.backward(at + SECOND / 5, 800_000 + gamma(random)).point());
    }
    points.sort_unstable();
    let stiff = bank::STIFFNESS[bank::MODELS - 1];
    let floors = interval::Bracket::of(stiff, &points, 1_000).unwrap();
    let bulk = bulk::Bulk::of(&points, &floors);
    assert!(bulk.is_floorless());
    let off = |bulk: &bulk::Bulk, at| {
        let line = bulk.at(Span::from_secs(450), Instant::from_nanos(at)).unwrap();
        (line.offset - (truth.reading(at) - at)).abs()
    };
    // The mean of one direction is 800 µs longer: half of that if they were alike.
    for at in [300, 900, 1_500].map(|second| second * SECOND) {
        assert!(off(&bulk, at) < 120_000, "{} at {at}", off(&bulk, at));
    }
    // Delays that fall off from a floor are no such thing.
    let quiet = exchanges(random, &truth, SECOND, 600 * SECOND, |_| 0);
    let mut points: Vec<_> = quiet.iter().map(Constraint::point).collect();
    points.sort_unstable();
    let floors = interval::Bracket::of(stiff, &points, 1_000).unwrap();
    assert!(!bulk::Bulk::of(&points, &floors).is_floorless());
}

#[test]
fn a_stiffer_hull_needs_no_point_that_a_softer_one_did_without() {
    // [CLOCK-6]
    let random = &mut Random(43);
    let truth = straight(700 * SECOND);
    let queue = |at: i64| if at / SECOND % 7 == 0 { 0 } else { at % 900_000 };
    let constraints = exchanges(random, &truth, SECOND, 600 * SECOND, queue);
    let mut points: Vec<_> = constraints.iter().map(Constraint::point).collect();
    points.sort_unstable();
    let [soft, .., stiff] = bank::STIFFNESS;
    let all = interval::Bracket::of(stiff, &points, 10_000).unwrap();
    let some = interval::Bracket::of(soft, &points, 10_000).unwrap();
    let vertices = |bracket: &interval::Bracket| bracket.vertices().0.len();
    assert!(vertices(&some) < points.len() / 4 && vertices(&all) < vertices(&some));
    let some = some.stiffer(stiff);
    for at in (-20..640).map(|second| Instant::from_nanos(second * SECOND)) {
        assert_eq!(some.interval(at), all.interval(at), "{at:?}");
        assert_eq!(some.widest(at), all.widest(at), "{at:?}");
    }
}

#[test]
fn a_clock_that_bends_more_than_the_softest_model_is_followed_beside_its_trend() {
    // [CLOCK-14]: nearly twice as much as that may, for two minutes up and two down.
    let random = &mut Random(41);
    let bend = |second: i64| match (second % 2, second / 56 % 4) {
        (0, 0 | 3) => 1,
        (0, _) => -1,
        (..) => 0,
    };
    let bends: Vec<i64> = (0..1_300).map(bend).collect();
    let truth = Truth::bent(5 * SECOND, 0, &bends);
    let constraints = exchanges(random, &truth, SECOND, 1_200 * SECOND, |_| 0);
    let mut points: Vec<_> = constraints.iter().map(Constraint::point).collect();
    points.sort_unstable();
    let judge = candidates::Candidates::of(&points, InTurn).unwrap();
    let whole = (Instant::from_nanos(0), Instant::from_nanos(1_200 * SECOND));
    let best = judge.best(whole, InTurn).within;
    assert!(matches!(best, candidates::Candidate::Trend(_)), "{best:?}");
    let squares = |candidate| -> i64 {
        let said = |at| judge.at(candidate, Instant::from_nanos(at)).unwrap().offset;
        let off = |at| error(&truth, at, Span::from_nanos(said(at))) / 1_000;
        (60..1_140).map(|second| off(second * SECOND).pow(2)).sum()
    };
    for other in (0..bank::MODELS).map(candidates::Candidate::Floors) {
        assert!(squares(best) < squares(other), "{} and {other:?}", squares(best));
    }
}
