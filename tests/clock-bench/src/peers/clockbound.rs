//! AWS ClockBound's feed-forward algorithm for NTP sources, one exchange a
//! second: the only peer that publishes an error bound. Its counter is the
//! primary's clock in nanoseconds.

use clock_bound::daemon::clock_parameters::ClockParameters;
use clock_bound::daemon::clock_sync_algorithm::ff::Ntp;
use clock_bound::daemon::clock_sync_algorithm::{FfSyncParams, SourceParams};
use clock_bound::daemon::event::{self, NtpData, Stratum};
use clock_bound::daemon::time::{Duration, Instant, TscCount};

use super::{EverySecond, UDP};
use crate::method::{Exchange, Prober, Reading};

/// Growth of its bound with age, as its daemon assumes by default.
const DRIFT_PPM: i64 = 15;

/// The crate's filter for one source.
pub(crate) struct ClockBound {
    schedule: EverySecond,
    filter: Ntp,
    parameters: Option<ClockParameters>,
}

impl Default for ClockBound {
    fn default() -> Self {
        let filter =
            Ntp::new(Duration::from_secs(1), &FfSyncParams::default(), &SourceParams::NTP_DEFAULTS);
        Self { schedule: EverySecond::default(), filter, parameters: None }
    }
}

impl Prober for ClockBound {
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
        let data = NtpData {
            server_recv_time: Instant::from_nanos(exchange.t2),
            server_send_time: Instant::from_nanos(exchange.t3),
            root_delay: Duration::from_nanos(0),
            root_dispersion: Duration::from_nanos(0),
            stratum: Stratum::ONE,
        };
        let event = event::Ntp::builder()
            .counter_pre(TscCount::new(exchange.t1))
            .counter_post(TscCount::new(exchange.t4))
            .ntp_data(data)
            .build();
        if let Some(event) = event {
            self.filter.feed(event);
            self.parameters = self.filter.clock_parameters().cloned();
        }
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        let parameters = self.parameters.as_ref()?;
        let time = parameters.time_at(TscCount::new(at)).as_nanos();
        let age = (at - parameters.tsc_count.get()).abs();
        let bound = parameters.clock_error_bound.as_nanos() + age / 1_000_000 * DRIFT_PPM;
        Some(Reading::within(time - at, bound))
    }
}
