//! Losses that a fact begins and a fact ends: away from the screen, without sound.

use super::evidence::{Evidence, Witnessed};
use super::lane::{Lane, mistimed};
use crate::journal::Fact;
use crate::ledger::{Cause, Loss, Medium};
use crate::time::{Instant, Primary};
use crate::timeline::{Placed, Timeline, events};

/// A loss that has begun.
struct Open {
    start: Placed,
    cause: u8,
    raw: i32,
    evidence: Evidence,
}

/// What a fact says about being away.
enum Says {
    Away { cause: u8, raw: i32 },
    Back,
    Nothing,
}

/// Adds the losses of `lane` in picture (away from the primary's screen) and in
/// sound. `[REPORT-5]`
pub(super) fn find(
    lane: &Lane<'_>,
    timeline: &Timeline,
    end: Instant<Primary>,
    losses: &mut Vec<Witnessed>,
) {
    if lane.role().is_primary() {
        collect(lane, timeline, end, Medium::Picture, screen, losses);
    }
    collect(lane, timeline, end, Medium::Sound, sound, losses);
}

#[expect(clippy::wildcard_enum_match_arm, reason = "three facts are about the screen")]
const fn screen(fact: &Fact) -> Says {
    match fact {
        Fact::ScreenLeft { cause, raw } => Says::Away { cause: *cause, raw: *raw },
        // A new process begins on its own screen.
        Fact::ScreenBack {} | Fact::ProcessStarted { .. } => Says::Back,
        _ => Says::Nothing,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "two facts are about the sound")]
const fn sound(fact: &Fact) -> Says {
    match fact {
        Fact::AudioEvent { state: 0, cause, raw } => Says::Away { cause: *cause, raw: *raw },
        Fact::AudioEvent { .. } | Fact::ProcessStarted { .. } => Says::Back,
        _ => Says::Nothing,
    }
}

fn collect(
    lane: &Lane<'_>,
    timeline: &Timeline,
    end: Instant<Primary>,
    medium: Medium,
    read: fn(&Fact) -> Says,
    losses: &mut Vec<Witnessed>,
) {
    let role = lane.role();
    let mut open: Option<Open> = None;
    let mut close = |open: Open, to: Instant<Primary>, back: Option<Evidence>| {
        let Open { start, cause, raw, evidence } = open;
        let cause = Cause::from_code(cause).unwrap_or(Cause::Unknown);
        let uncertainty = mistimed(to - start.at);
        let loss = Loss { role, start: start.at, end: to, uncertainty, cause, medium };
        let evidence = [evidence].into_iter().chain(back).collect();
        losses.push(Witnessed { loss, raw, evidence });
    };
    for journal in lane.journals() {
        let device = journal.header().device;
        for (clock, entry) in events(journal) {
            let says = read(&entry.fact);
            if matches!(says, Says::Nothing) {
                continue;
            }
            let Some(at) = timeline.place(clock, entry.at) else { continue };
            let named = |what| Evidence { role, device, sequence: entry.sequence, what };
            match says {
                Says::Away { cause, raw } if open.is_none() => {
                    let evidence = named("it was left or lost here");
                    open = Some(Open { start: at, cause, raw, evidence });
                }
                Says::Back => {
                    if let Some(open) = open.take() {
                        close(open, at.at, Some(named("it was back here")));
                    }
                }
                Says::Away { .. } | Says::Nothing => {}
            }
        }
    }
    if let Some(open) = open.filter(|open| open.start.at < end) {
        close(open, end, None);
    }
}
