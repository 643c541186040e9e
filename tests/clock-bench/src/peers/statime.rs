//! statime's Kalman filter, made for PTP on wires, one exchange a second: each
//! half of an exchange is a measurement, and the filter steers a clock. What
//! it has made of that clock is its belief.
//!
//! Its step threshold is raised from 1 ms to 50 ms: any measurement beyond it
//! starts the filter anew, which on Wi-Fi would be every few seconds.

use statime::Clock;
use statime::config::TimePropertiesDS;
use statime::filters::{Filter, FilterUpdate, KalmanConfiguration, KalmanFilter};
use statime::port::Measurement;
use statime::time::{Duration, Time};

use super::{EverySecond, SECOND, UDP};
use crate::method::{Exchange, Prober, Reading};

/// The primary's clock with a correction that the filter steers.
#[derive(Clone, Copy, Debug, Default)]
struct Steered {
    now: i64,
    correction: f64,
    ppm: f64,
    /// Keeps the clock positive and the correction small.
    base: i64,
}

impl Steered {
    fn advance(&mut self, now: i64) {
        let dt = (now - self.now) as f64;
        self.correction += dt * self.ppm / 1e6;
        self.now = now;
    }

    /// Its reading when the primary's clock reads `at`.
    fn at(&self, at: i64) -> i64 {
        let dt = (at - self.now) as f64;
        at + self.base + (self.correction + dt * self.ppm / 1e6) as i64
    }
}

impl Clock for Steered {
    type Error = std::convert::Infallible;

    fn now(&self) -> Time {
        time(self.at(self.now))
    }

    fn step_clock(&mut self, offset: Duration) -> Result<Time, Self::Error> {
        self.correction += offset.nanos_lossy();
        Ok(self.now())
    }

    fn set_frequency(&mut self, ppm: f64) -> Result<Time, Self::Error> {
        self.ppm = ppm;
        Ok(self.now())
    }

    fn set_properties(&mut self, _: &TimePropertiesDS) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn time(nanos: i64) -> Time {
    Time::from_nanos(nanos.max(0).unsigned_abs())
}

/// The crate's filter on a virtual clock.
pub(crate) struct Statime {
    schedule: EverySecond,
    filter: KalmanFilter,
    clock: Steered,
    /// When the filter wants to be called again, primary's clock.
    update: i64,
    /// Added to the secondary's times, which may be negative.
    lift: i64,
    started: bool,
}

impl Default for Statime {
    fn default() -> Self {
        let config = KalmanConfiguration {
            step_threshold: Duration::from_millis(50),
            ..KalmanConfiguration::default()
        };
        Self {
            schedule: EverySecond::default(),
            filter: KalmanFilter::new(config),
            clock: Steered::default(),
            update: i64::MAX,
            lift: 0,
            started: false,
        }
    }
}

impl Statime {
    fn note(&mut self, now: i64, update: &FilterUpdate) {
        if let Some(wait) = update.next_update {
            self.update = now + i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX / 2);
        }
    }

    /// Calls the filter back until `now`.
    fn catch_up(&mut self, now: i64) {
        while self.update <= now {
            let at = self.update;
            self.update = i64::MAX;
            self.clock.advance(at);
            let update = self.filter.update(&mut self.clock);
            self.note(at, &update);
        }
        self.clock.advance(now);
    }

    fn measure(&mut self, now: i64, measurement: Measurement) {
        let update = self.filter.measurement(measurement, &mut self.clock);
        self.note(now, &update);
    }
}

impl Prober for Statime {
    fn bytes(&self) -> (u32, u32) {
        // Delay request one way; sync, follow-up and response the other.
        (UDP + 44, 3 * UDP + 44 + 44 + 54)
    }

    fn due(&self) -> i64 {
        self.schedule.due.min(self.update)
    }

    fn act(&mut self, now: i64) -> bool {
        if self.update <= now {
            self.catch_up(now);
        }
        self.schedule.due <= now && self.schedule.act(now)
    }

    fn observe(&mut self, exchange: &Exchange) {
        if !self.started {
            // A day ahead of both origins, and right to within the delay.
            self.lift = 86_400 * SECOND - exchange.t3.min(0);
            self.clock = Steered {
                now: exchange.t1,
                base: exchange.offset() + self.lift,
                ..Steered::default()
            };
            self.started = true;
        }
        self.catch_up(exchange.t4);
        let sent = self.clock.at(exchange.t1);
        let got = self.clock.at(exchange.t4);
        self.measure(
            exchange.t4,
            Measurement {
                event_time: time(sent),
                raw_delay_offset: Some(Duration::from_nanos(sent - exchange.t2 - self.lift)),
                ..Measurement::default()
            },
        );
        let got = self.clock.at(exchange.t4).max(got);
        self.measure(
            exchange.t4,
            Measurement {
                event_time: time(got),
                raw_sync_offset: Some(Duration::from_nanos(got - exchange.t3 - self.lift)),
                ..Measurement::default()
            },
        );
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        self.started.then(|| Reading::bare(self.clock.at(at) - at - self.lift))
    }
}
