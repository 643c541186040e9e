//! What datagrams meet, and that schedules do not change it.

use super::*;
use crate::scenario::Scenario;

const START: Instant<Primary> = Instant::from_nanos(5_000_000_000);
const LASTING: Span = Span::from_secs(300);

fn channel(scenario: &str, seed: u64) -> Channel {
    let scenario = Scenario::named(scenario).unwrap();
    Channel::new(seed, scenario.conditions, START, LASTING)
}

fn after(millis: i64) -> Instant<Primary> {
    START + Span::from_millis(millis)
}

#[test]
fn schedules_do_not_change_what_a_datagram_meets() {
    for scenario in ["S1", "S2", "S4", "S5", "S6", "S7", "S10", "S11"] {
        let (mut rare, mut often) = (channel(scenario, 4), channel(scenario, 4));
        for millis in (0..60_000).step_by(50) {
            let met = often.carry(Direction::Forward, after(millis));
            often.carry(Direction::Backward, after(millis + 4));
            if millis % 1_000 == 0 {
                assert_eq!(rare.carry(Direction::Forward, after(millis)), met, "{scenario}");
            }
        }
    }
}

#[test]
fn nothing_is_faster_than_the_floor() {
    for scenario in Scenario::all() {
        let mut channel = Channel::new(3, scenario.conditions.clone(), START, LASTING);
        for millis in (0..300_000).step_by(20) {
            for direction in [Direction::Forward, Direction::Backward] {
                let sent = after(millis);
                let floor = channel.floor(direction, sent);
                if let Some(arrival) = channel.carry(direction, sent) {
                    assert!(arrival - sent >= floor, "{}: {:?}", scenario.name, arrival - sent);
                }
            }
        }
    }
}

#[test]
fn a_sleeping_radio_waits_for_the_beacon_and_traffic_keeps_it_awake() {
    let late = |channel: &mut Channel, millis| {
        let arrival = channel.carry(Direction::Forward, after(millis));
        arrival.map(|arrival| (arrival - after(millis)).nanos() / 1_000)
    };
    let (mut waits, mut quick) = (0, 0);
    for seed in 1..40 {
        let mut channel = channel("S3", seed);
        let cold = late(&mut channel, 1_000);
        let warm = late(&mut channel, 1_120);
        waits += i32::from(cold.is_some_and(|micros| micros > 10_000));
        quick += i32::from(warm.is_some_and(|micros| micros < 10_000));
    }
    assert!(waits > 30, "{waits} of 39 first datagrams waited");
    assert!(quick > 35, "{quick} of 39 second datagrams went straight through");
}

#[test]
fn a_datagram_behind_one_that_waits_waits_too() {
    let mut channel = channel("S3", 2);
    let first = channel.carry(Direction::Forward, after(1_000));
    let woken = channel.radios[1].wakes_at;
    assert!(first.is_some() && woken > after(1_000));
    let halfway = after(1_000) + Span::from_nanos((woken - after(1_000)).nanos() / 2);
    let second = channel.carry(Direction::Forward, halfway);
    assert!(second.is_none_or(|arrival| arrival > woken));
}

#[test]
fn an_outage_stops_everything_and_ends() {
    // S9 is silent from 600 s to 645 s; here the same outage, sooner.
    let mut conditions = Scenario::named("S1").unwrap().conditions;
    conditions.outages = vec![(Span::from_secs(10), Span::from_secs(12))];
    let mut channel = Channel::new(1, conditions, START, LASTING);
    let mut carried = |millis| channel.carry(Direction::Backward, after(millis)).is_some();
    assert!((10_000..12_000).step_by(10).all(|millis| !carried(millis)));
    assert!((12_000..13_000).step_by(10).any(carried));
}

#[test]
fn losses_come_in_bursts_under_fading() {
    let mut channel = channel("S7", 1);
    let lost: Vec<bool> = (0..300_000)
        .step_by(10)
        .map(|millis| channel.carry(Direction::Forward, after(millis)).is_none())
        .collect();
    let share = |run: usize| {
        let pairs = lost.windows(run + 1).filter(|w| w[0]).count();
        lost.windows(run + 1).filter(|w| w[0] && w[run]).count() as f64 / pairs as f64
    };
    let overall = lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64;
    assert!(overall > 0.03 && overall < 0.12, "{overall}");
    assert!(share(1) > 5.0 * overall, "after a loss {}, overall {overall}", share(1));
}
