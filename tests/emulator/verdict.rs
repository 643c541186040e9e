//! The checks: what the devices left, against what the scenario expects.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::baseline::rms;
use crate::bed::{Bed, Stage, Trouble, Truth};
use crate::clock::nanos;
use crate::program::ask;
use crate::scenario::{Scenario, Who};

/// Figures of a session that held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reported {
    /// Root mean square of the clocks' errors as known then, and the largest.
    pub(crate) clock_rms_ns: Option<i64>,
    pub(crate) clock_worst_ns: Option<i64>,
    /// The widest stated bound at those instants.
    pub(crate) bound_ns: Option<i64>,
    /// Instants that were checked, with the messages up to each and with all.
    pub(crate) checks: usize,
    /// Role and length of each interruption that counts, alone or with others.
    pub(crate) holes: Vec<(String, i64)>,
}

/// Asks the program about the session and holds the answers to the scenario.
pub(crate) fn hold(
    bed: &dyn Bed,
    stage: &dyn Stage,
    scenario: &Scenario,
    away: &[(Who, i64, i64)],
    session: &Path,
) -> Result<Reported, Trouble> {
    let report = ask(&["report"], session)?;
    let mut held = Reported::default();
    counted(scenario, bed.slower(), &report, &mut held)?;
    for (who, least, most) in away {
        let role = who.role();
        if !held.holes.iter().any(|(of, ns)| *of == role && (*least..=*most).contains(ns)) {
            let holes = &held.holes;
            return Err(format!("{role} was away for {least} to {most} ns, reported: {holes:?}"));
        }
    }
    clocks(stage, scenario, &ask(&["clock"], session)?, &mut held)?;
    match held.clock_worst_ns {
        Some(worst) if bed.is_ruler(scenario) && worst > nanos(scenario.expect.clock_error) => {
            Err(format!("a clock is {worst} ns wrong"))
        }
        _ => Ok(held),
    }
}

fn counted(
    scenario: &Scenario,
    slower: Duration,
    report: &Value,
    held: &mut Reported,
) -> Result<(), Trouble> {
    let expect = scenario.expect;
    let list = report["interruptions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = list
        .iter()
        .map(|one| {
            format!(
                "{} {} {} ns {}",
                one["role"], one["standing"], one["duration_ns"], one["cause"]
            )
        })
        .collect::<Vec<_>>()
        .join("; ");
    let told = format!("{} {} [{told}]", report["verdict"], report["reasons"]);
    if report["verdict"] != expect.verdict {
        return Err(format!("expected {}, got {told}", expect.verdict));
    }
    if [&report["count_min"], &report["count_max"]].iter().any(|count| **count != expect.count) {
        return Err(format!("expected a count of {}, got {told}", expect.count));
    }
    let flags = report["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(flag) = expect.flags.iter().find(|flag| !flags.iter().any(|is| is == **flag)) {
        return Err(format!("expected the flag {flag}, got {flags:?}"));
    }
    let counts = |one: &&Value| one["standing"] == "COUNTED" || one["standing"] == "SAME_EPISODE";
    let holes = list.iter().filter(counts);
    held.holes = holes
        .filter_map(|one| Some((one["role"].as_str()?.to_owned(), one["duration_ns"].as_i64()?)))
        .collect();
    if held.holes.len() != expect.holes.len() {
        return Err(format!("expected {} interruptions, got {told}", expect.holes.len()));
    }
    for hole in expect.holes {
        let length = nanos(hole.least)..=nanos(hole.most + slower);
        let found =
            held.holes.iter().any(|(role, ns)| *role == hole.who.role() && length.contains(ns));
        if !found {
            return Err(format!("expected {} gone for {length:?} ns, got {told}", hole.who.role()));
        }
    }
    if let Some(cause) = expect.cause
        && list.iter().filter(counts).any(|one| one["cause"] != cause)
    {
        return Err(format!("expected the cause {cause}, got {told}"));
    }
    let cameras = report["cameras"].as_array().map(Vec::as_slice).unwrap_or_default();
    let filmed = |who: Who| {
        cameras.iter().any(|one| one["role"] == who.role() && one["frames"].as_i64() > Some(0))
    };
    match scenario.everybody().find(|who| !filmed(*who)) {
        Some(who) => Err(format!("no picture of {} is in the report", who.role())),
        None => Ok(()),
    }
}

/// Whether a clock has stepped since the last message that was heard of it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum News {
    #[default]
    None,
    /// What was known then cannot hold the truth: nobody could know of it.
    Unheard,
}

/// Watches the truth for steps, which a clock chip of whole seconds makes when its
/// device wakes.
#[derive(Default)]
struct Step {
    before: Option<i64>,
    news: News,
}

impl Step {
    /// The next instant's truth; none while the device slept or was off.
    fn take(&mut self, truth: Option<Truth>, heard: bool) -> News {
        /// More than two running clocks drift apart between two instants.
        const STEP_NS: i64 = 2_000_000;
        let before = truth.and_then(|truth| self.before.replace(truth.offset_ns));
        let moved = truth.zip(before).map(|(truth, before)| (truth.offset_ns - before).abs());
        if moved > Some(STEP_NS) {
            // What was heard since the instant before may be from before the step.
            self.news = News::Unheard;
        } else if heard && truth.is_some() {
            self.news = News::None;
        }
        self.news
    }
}

/// The longest from the first message after a step until it is known to both.
const FOUND_NS: i64 = 2_000_000_000;

/// How long the estimate may take from then on to be good again. The bound holds
/// meanwhile.
const RELOCK_NS: i64 = 1_000_000_000;

/// When a clock began anew, and when both devices knew. What was sent to a device that
/// stands still is heard once it `runs`, and from then on a step has to be found.
fn anew(clock: &Value, runs: impl Fn(i64) -> bool) -> Result<Vec<(i64, i64)>, Trouble> {
    let samples = clock["samples"].as_array().map(Vec::as_slice).unwrap_or_default();
    let heard_from = |at: i64, known: i64| {
        let later = samples.iter().filter_map(|sample| sample["at_ns"].as_i64());
        later.skip_while(|now| *now < at).find(|now| runs(*now)).unwrap_or(at).min(known)
    };
    let list = clock["epochs_begin"].as_array().map(Vec::as_slice).unwrap_or_default();
    let spans = list
        .iter()
        .filter_map(|epoch| Some((epoch["at_ns"].as_i64()?, epoch["known_ns"].as_i64()?)));
    let spans: Vec<(i64, i64)> = spans.collect();
    match spans.iter().find(|(at, known)| known - heard_from(*at, *known) > FOUND_NS) {
        Some((at, known)) => Err(format!("a step at {at} was known at {known} only")),
        None => Ok(spans),
    }
}

/// At every instant that `diptych clock` names, the truth within the bounds.
fn clocks(
    stage: &dyn Stage,
    scenario: &Scenario,
    told: &Value,
    held: &mut Reported,
) -> Result<(), Trouble> {
    let mut errors = Vec::new();
    let all = told["clocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    for clock in all {
        let role = clock["role"].as_str().unwrap_or_default();
        // The truth is known of the machine that is in the seat now.
        let later = |other: &Value| {
            other["role"] == clock["role"] && other["device"].as_i64() > clock["device"].as_i64()
        };
        if all.iter().any(later) {
            continue;
        }
        let Some(who) = scenario.everybody().find(|who| who.role() == role) else { continue };
        let boots = [&clock["primary_boot"], &clock["boot"]].map(|boot| boot.as_str());
        let [Some(primary_boot), Some(boot)] = boots else { continue };
        let truth_at = |at| stage.truth(who, (primary_boot, boot), at);
        let anew = anew(clock, |at| truth_at(at).is_some())?;
        let mut step = Step::default();
        for sample in clock["samples"].as_array().into_iter().flatten() {
            let Some(at) = sample["at_ns"].as_i64() else { continue };
            let truth = truth_at(at);
            let heard = sample["messages"].as_u64() > Some(0);
            let news = step.take(truth, heard);
            let Some(Truth { offset_ns: truth, within_ns: within }) = truth else { continue };
            let is_locking =
                anew.iter().any(|(_, known)| (*known..known + RELOCK_NS).contains(&at));
            for known in ["then", "now"] {
                // Nobody could know of a step before something was heard, and both
                // devices only when both had heard it.
                let finding = anew.iter().any(|(from, to)| (*from..*to).contains(&at));
                if known == "then" && (news == News::Unheard || finding) {
                    continue;
                }
                let number = |name: &str| sample[known][name].as_i64();
                let (Some(low), Some(high)) = (number("low_ns"), number("high_ns")) else {
                    continue;
                };
                held.checks += 1;
                if !(low - within..=high + within).contains(&truth) {
                    return Err(format!(
                        "{role} at {at}: the truth {truth} is outside {low}..={high} ({known})"
                    ));
                }
                if let (Some(offset), "then") = (number("offset_ns"), known) {
                    held.bound_ns = held.bound_ns.max(Some((high - low) / 2));
                    if !is_locking {
                        errors.push(offset - truth);
                    }
                }
            }
        }
    }
    // The first seconds, while a bound is still wide, are part of the check and
    // not of the figure.
    let settled = errors.get(errors.len() / 2..).unwrap_or_default();
    held.clock_rms_ns = rms(settled);
    held.clock_worst_ns = settled.iter().map(|error| error.abs()).max();
    Ok(())
}
