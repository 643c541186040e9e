//! Where the journals place what the cameras filmed, held against the truth.
//!
//! A bound that was stated is a promise, and here somebody knows the truth. Every
//! fragment of every camera is asked about, also those from around a sleep that its
//! device's clock counted wrongly, and those of a primary that has booted since.

use std::collections::BTreeMap;

use diptych_protocol::identity::BootId;
use diptych_protocol::journal::Replayed;
use diptych_protocol::time::{Instant, Span};
use diptych_protocol::timeline::{ClockName, Timeline};

use super::{Scenario, Step, What, World};

/// Whether all frames are asked about: where a sleep was counted wrongly, and in every
/// fourth session besides, for to lay out all clocks once more costs a tenth of it.
pub(super) fn is_worth_it(scenario: &Scenario) -> bool {
    let miscounted =
        |step: &Step| matches!(step.what, What::Sleep { miscount, .. } if miscount != Span::ZERO);
    scenario.seed.is_multiple_of(4) || scenario.steps.iter().any(miscounted)
}

/// Fails the world where a frame lies outside its bounds. `[TIMELINE-2]`
pub(super) fn hold(world: &mut World, read: &[Replayed]) {
    let Some(timeline) = Timeline::of(read) else { return };
    let names: BTreeMap<BootId, ClockName> =
        timeline.clocks().map(|clock| (clock.boot, clock)).collect();
    let mut wrong = Vec::new();
    for (who, device) in world.devices.iter().enumerate() {
        for at in device.camera.durable.iter().flat_map(|(first, last)| [*first, *last]) {
            let (boot, own) = device.showed(at);
            let Some(name) = names.get(&device.boot_of(world.scenario.seed, who, boot)) else {
                continue;
            };
            let Some(placed) = timeline.place(*name, Instant::from_nanos(own)) else {
                wrong.push(format!("device {who}: no place for a frame of {at}"));
                continue;
            };
            let truth = world.session_time(timeline.reference().boot, at);
            if truth.is_some_and(|truth| truth < placed.low || placed.high < truth) {
                wrong.push(format!(
                    "device {who}: a frame of {at}, {truth:?}, is placed at {placed:?}"
                ));
            }
        }
    }
    // One says it all, and how many there are.
    if let Some(first) = wrong.first() {
        let count = wrong.len();
        world.fail(format!("{first} ({count} such frames)"));
    }
}

impl World {
    /// What the clock of session time shows at a true time, or would if it still ran.
    fn session_time<C>(&self, reference: BootId, at: i64) -> Option<Instant<C>> {
        let primary = &self.devices[0];
        let boots = (1..=primary.boots)
            .find(|boots| primary.boot_of(self.scenario.seed, 0, *boots) == reference)?;
        Some(Instant::from_nanos(primary.would_show(boots, at)))
    }
}
