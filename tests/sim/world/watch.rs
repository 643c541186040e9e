//! What an assistant's link and the statements about its clock must be, watched.
//!
//! Nobody can know what was not heard, so both are asked about only once the other
//! device could be heard. Rejected: asking at the end (a link that came late, or a
//! bound that was wrong for a second, leaves no mark).

use diptych_protocol::clock::Estimate;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::time::Span;

use super::World;

/// How an assistant's link is watched by the world.
#[derive(Clone, Copy, Default)]
pub(super) struct Watch {
    /// Since when nothing keeps it from being LIVE.
    pub(super) fine: Option<i64>,
    /// Since when the primary is elsewhere and the assistant has not heard it there.
    pub(super) cut: Option<i64>,
    pub(super) live: bool,
    pub(super) paired: bool,
    /// When the primary heard this device's clock last, and this device the primary's.
    pub(super) heard: [i64; 2],
}

/// A link that nothing hinders must be LIVE after this.
const RESUME_BOUND: i64 = 12_000_000_000;

impl World {
    pub(super) fn watch_link(&mut self, who: usize) {
        let settled = self.devices[0].over || self.devices[who].over;
        let fine = self.devices[0].is_running(self.now)
            && self.devices[who].is_running(self.now)
            && self.paths[who].is_there(self.now)
            && self.watch[who].paired
            // Without space no resume can be numbered. [SESSION-20]
            && ![0, who].iter().any(|who| self.devices[*who].disk.is_full())
            && !settled;
        if !fine {
            self.watch[who].cut = None;
            self.watch[who].fine = None;
            return;
        }
        let since = *self.watch[who].fine.get_or_insert(self.now);
        if !self.watch[who].live && self.now - since > RESUME_BOUND {
            // One that slept while the app was away has no change to tell of.
            let primary = &self.devices[0];
            let now = primary.clock.reading(self.now);
            let live = primary.brain.as_ref().map(|brain| brain.live(now)).unwrap_or_default();
            if live.into_iter().any(|role| self.in_seat(role) == Some(who)) {
                self.watch[who].live = true;
                return;
            }
            self.fail(format!("device {who}: not LIVE although nothing is in its way"));
            self.watch[who].paired = false;
        }
    }

    /// The primary says how the link to a device is.
    pub(super) fn link_is(&mut self, who: usize, state: LinkState) {
        let live = state == LinkState::Live;
        if self.watch[who].live && !live {
            self.watch[who].fine = None;
        }
        if live && !self.watch[who].live {
            let at = self.now;
            if let Some(since) = self.watch[who].fine {
                self.resumes.push(at - since);
            }
        }
        self.watch[who].live = live;
    }

    /// The interval holds the true offset, whoever states it. Only of the other device's
    /// clock nobody can know that it is another until that device was heard.
    pub(super) fn check_estimate(&mut self, teller: usize, who: usize, estimate: &Estimate) {
        let other = if teller == 0 { who } else { 0 };
        if self.watch[who].heard[usize::from(teller > 0)] <= self.devices[other].changed() {
            return;
        }
        let reading = |device: usize| self.devices[device].clock.reading(self.now);
        let offset = Span::from_nanos(reading(who) - reading(0));
        if offset < estimate.low || estimate.high < offset {
            self.fail(format!(
                "device {teller} states {estimate:?} for the clock of {who}, the truth is {offset}"
            ));
        }
    }
}
