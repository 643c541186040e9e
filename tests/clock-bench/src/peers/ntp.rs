//! ntp-proto, the algorithm of ntpd-rs, one exchange a second: a Kalman filter
//! per source and a controller that steers a clock. What it has made of that
//! clock is its belief.

use std::sync::{Arc, Mutex, PoisonError};

use ntp_proto::{
    AlgorithmConfig, KalmanClockController, KalmanControllerMessage, Measurement, NtpClock,
    NtpDuration, NtpInstant, NtpLeapIndicator, NtpTimestamp, SourceConfig, SourceController,
    StateUpdate, StepThreshold, SynchronizationConfig, TimeSyncController,
    TwoWayKalmanSourceController,
};

use super::{EverySecond, SECOND, UDP};
use crate::method::{Exchange, Prober, Reading};

/// The primary's clock with a correction that the controller steers.
#[derive(Clone, Copy, Debug, Default)]
struct Steered {
    now: i64,
    correction: f64,
    frequency: f64,
    base: i64,
}

impl Steered {
    fn advance(&mut self, now: i64) {
        self.correction += (now - self.now) as f64 * self.frequency;
        self.now = now;
    }

    fn at(&self, at: i64) -> i64 {
        at + self.base + (self.correction + (at - self.now) as f64 * self.frequency) as i64
    }
}

/// The handle that the crate steers through.
#[derive(Clone, Debug, Default)]
struct Handle(Arc<Mutex<Steered>>);

impl Handle {
    fn with<T>(&self, f: impl FnOnce(&mut Steered) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn stamp(nanos: i64) -> NtpTimestamp {
    let nanos = nanos.max(0);
    let seconds = u32::try_from(nanos / SECOND).unwrap_or(u32::MAX);
    let rest = u32::try_from(nanos % SECOND).unwrap_or(0);
    NtpTimestamp::from_seconds_nanos_since_ntp_era(seconds, rest)
}

impl NtpClock for Handle {
    type Error = std::convert::Infallible;

    fn now(&self) -> Result<NtpTimestamp, Self::Error> {
        Ok(self.with(|clock| stamp(clock.at(clock.now))))
    }

    fn set_frequency(&self, frequency: f64) -> Result<NtpTimestamp, Self::Error> {
        self.with(|clock| clock.frequency = frequency);
        self.now()
    }

    fn get_frequency(&self) -> Result<f64, Self::Error> {
        Ok(self.with(|clock| clock.frequency))
    }

    fn step_clock(&self, offset: NtpDuration) -> Result<NtpTimestamp, Self::Error> {
        self.with(|clock| clock.correction += offset.to_seconds() * 1e9);
        self.now()
    }

    fn disable_ntp_algorithm(&self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn error_estimate_update(&self, _: NtpDuration, _: NtpDuration) -> Result<(), Self::Error> {
        Ok(())
    }

    fn status_update(&self, _: NtpLeapIndicator) -> Result<(), Self::Error> {
        Ok(())
    }
}

const SOURCE: u32 = 0;

/// Never; a step of any size is taken.
const NO_LIMIT: StepThreshold = StepThreshold { forward: None, backward: None };

/// The crate's controller with one source, on a virtual clock.
pub(crate) struct NtpProto {
    schedule: EverySecond,
    clock: Handle,
    controller: KalmanClockController<Handle, u32>,
    source: TwoWayKalmanSourceController<u32>,
    /// When the controller wants to be called again, primary's clock.
    update: i64,
    /// Added to the secondary's times, which may be negative.
    lift: i64,
    /// The moment of the first exchange on the crate's own time line.
    origin: Option<(NtpInstant, i64)>,
}

impl Default for NtpProto {
    fn default() -> Self {
        let synchronization = SynchronizationConfig {
            minimum_agreeing_sources: 1,
            single_step_panic_threshold: NO_LIMIT,
            startup_step_panic_threshold: NO_LIMIT,
            accumulated_step_panic_threshold: None,
            ..SynchronizationConfig::default()
        };
        let algorithm = AlgorithmConfig {
            // It compares with the real time between two calls.
            meddling_threshold: NtpDuration::from_seconds(2e9),
            ..AlgorithmConfig::default()
        };
        let clock = Handle::default();
        let Ok(mut controller) =
            KalmanClockController::new(clock.clone(), synchronization, algorithm);
        let Ok(()) = controller.take_control();
        let source = controller.add_source(SOURCE, SourceConfig::default());
        controller.source_update(SOURCE, true);
        Self {
            schedule: EverySecond::default(),
            clock,
            controller,
            source,
            update: i64::MAX,
            lift: 0,
            origin: None,
        }
    }
}

impl NtpProto {
    fn note(&mut self, now: i64, update: StateUpdate<u32, KalmanControllerMessage>) {
        if let Some(message) = update.source_message {
            self.source.handle_message(message);
        }
        if let Some(wait) = update.next_update {
            self.update = now + i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX / 2);
        }
    }

    /// Calls the controller back until `now`.
    fn catch_up(&mut self, now: i64) {
        while self.update <= now {
            let at = self.update;
            self.update = i64::MAX;
            self.clock.with(|clock| clock.advance(at));
            let update = self.controller.time_update();
            self.note(at, update);
        }
        self.clock.with(|clock| clock.advance(now));
    }
}

impl Prober for NtpProto {
    fn bytes(&self) -> (u32, u32) {
        (UDP + 48, UDP + 48)
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
        let (instant, began) = *self.origin.get_or_insert_with(|| {
            // A day ahead of both origins, and right to within the delay.
            self.lift = 86_400 * SECOND - exchange.t3.min(0);
            let base = exchange.offset() + self.lift;
            let steered = Steered { now: exchange.t1, base, ..Steered::default() };
            self.clock.with(|clock| *clock = steered);
            (NtpInstant::now(), exchange.t1)
        });
        self.catch_up(exchange.t4);
        let local = |at| self.clock.with(|clock| clock.at(at)) - self.lift;
        let virtual_exchange =
            Exchange { t1: local(exchange.t1), t4: local(exchange.t4), ..*exchange };
        let measurement = Measurement {
            delay: NtpDuration::from_seconds(exchange.rtt() as f64 / 1e9),
            offset: NtpDuration::from_seconds(virtual_exchange.offset() as f64 / 1e9),
            localtime: stamp(local(exchange.t4) + self.lift),
            monotime: instant
                + std::time::Duration::from_nanos((exchange.t4 - began).unsigned_abs()),
            stratum: 1,
            root_delay: NtpDuration::ZERO,
            root_dispersion: NtpDuration::ZERO,
            leap: NtpLeapIndicator::NoWarning,
            precision: -20,
        };
        if let Some(message) = self.source.handle_measurement(measurement) {
            let update = self.controller.source_message(SOURCE, message);
            self.note(exchange.t4, update);
        }
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        self.origin?;
        let offset = self.clock.with(|clock| clock.at(at)) - at - self.lift;
        let claimed = self.source.observe().uncertainty.to_seconds();
        Some(Reading { sigma: Some((claimed * 1e9) as i64), ..Reading::bare(offset) })
    }
}
