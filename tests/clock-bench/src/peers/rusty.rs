//! rusty_time-core, a re-thought chrony: a weighted regression over up to 64
//! exchanges, one a second. Its register is asked, its steering is not used.

use rusty_time_core::client::MultiController;
use rusty_time_core::discipline::DisciplineConfig;
use rusty_time_core::filter::Sample;

use super::{EverySecond, UDP};
use crate::method::{Exchange, Prober, Reading};

/// The crate's controller with one source.
pub(crate) struct RustyTime {
    schedule: EverySecond,
    controller: MultiController,
    first: Option<(i64, i64)>,
}

impl Default for RustyTime {
    fn default() -> Self {
        let controller = MultiController::new(DisciplineConfig::default(), 1);
        Self { schedule: EverySecond::default(), controller, first: None }
    }
}

impl Prober for RustyTime {
    fn bytes(&self) -> (u32, u32) {
        (UDP + 48, UDP + 48)
    }

    fn due(&self) -> i64 {
        self.schedule.due
    }

    fn act(&mut self, now: i64) -> bool {
        self.schedule.act(now)
    }

    fn observe(&mut self, exchange: &Exchange) {
        let (t0, x0) = *self.first.get_or_insert((exchange.middle(), exchange.offset()));
        let sample = Sample {
            t: (exchange.middle() - t0) as f64 / 1e9,
            offset: (exchange.offset() - x0) as f64 / 1e9,
            delay: exchange.rtt() as f64 / 1e9,
            dispersion: 1e-6,
        };
        self.controller.observe(0, (exchange.t4 - t0) as f64 / 1e9, sample);
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        let (t0, x0) = self.first?;
        let estimate = self.controller.estimate(0, (at - t0) as f64 / 1e9);
        let offset = x0 + (estimate.offset_s * 1e9) as i64;
        let sigma = (estimate.sd_s * 1e9) as i64;
        Some(Reading { sigma: Some(sigma), ..Reading::within(offset, 3 * sigma) })
    }
}
