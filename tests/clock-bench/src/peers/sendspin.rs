//! Sendspin's time filter: the best exchange of a burst of eight every ten
//! seconds feeds a Kalman filter for offset and drift, whose memory fades when
//! a measurement lies far outside what its round trip allows.

use super::{SECOND, TCP};
use crate::method::{Exchange, Prober, Reading};

const BURST: u32 = 8;
const APART: i64 = 10 * SECOND;
const TIMEOUT: i64 = SECOND;
/// Diffusion of the drift per square root of a microsecond.
const DRIFT_NOISE: f64 = 1e-11;
/// The claimed error of a measurement is half its round trip; the filter
/// trusts it twice as much.
const TRUST: f64 = 0.5;
/// An innovation of so many claimed errors makes the filter forget…
const CUTOFF: f64 = 3.0;
/// …by multiplying its covariances…
const FORGET: f64 = 4.0;
/// …once it has seen this many measurements.
const LEARNED: u32 = 100;
/// Drift below so many of its standard deviations is not used.
const SIGNIFICANT: f64 = 2.0;

/// The filter and its bursts; microseconds relative to the first exchange.
#[derive(Debug, Default)]
pub(crate) struct Sendspin {
    due: i64,
    began: i64,
    asked: u32,
    best: Option<Exchange>,
    first: Option<(i64, i64)>,
    updates: u32,
    last: f64,
    offset: f64,
    drift: f64,
    /// Variances of offset and drift, and their covariance.
    covariance: (f64, f64, f64),
}

impl Sendspin {
    fn update(&mut self, exchange: &Exchange) {
        let (t0, x0) = *self.first.get_or_insert((exchange.t4, exchange.offset()));
        let t = (exchange.t4 - t0) as f64 / 1e3;
        let measured = (exchange.offset() - x0) as f64 / 1e3;
        let max_error = exchange.rtt() as f64 / 2e3;
        let noise = (TRUST * max_error).powi(2);
        let dt = t - self.last;
        self.updates += 1;
        if self.updates == 1 {
            (self.offset, self.covariance) = (measured, (noise, 0.0, 0.0));
            self.last = t;
            return;
        }
        if dt <= 0.0 {
            return;
        }
        if self.updates == 2 {
            self.drift = (measured - self.offset) / dt;
            self.covariance = (noise, (self.covariance.0 + noise) / (dt * dt), 0.0);
            self.offset = measured;
            self.last = t;
            return;
        }
        let (mut oo, mut dd, mut od) = self.covariance;
        oo += 2.0 * od * dt + dd * dt * dt;
        od += dd * dt;
        dd += DRIFT_NOISE * DRIFT_NOISE * dt;
        let innovation = measured - (self.offset + self.drift * dt);
        if self.updates > LEARNED && innovation.abs() > CUTOFF * max_error {
            (oo, dd, od) = (oo * FORGET, dd * FORGET, od * FORGET);
        }
        let (gain_o, gain_d) = (oo / (oo + noise), od / (oo + noise));
        self.offset += self.drift * dt + gain_o * innovation;
        self.drift += gain_d * innovation;
        self.covariance = (oo - gain_o * oo, dd - gain_d * od, od - gain_o * od);
        self.last = t;
    }
}

impl Prober for Sendspin {
    fn bytes(&self) -> (u32, u32) {
        // A WebSocket with JSON in it.
        (TCP + 100, TCP + 170)
    }

    fn due(&self) -> i64 {
        self.due
    }

    fn act(&mut self, now: i64) -> bool {
        if self.asked == 0 {
            self.began = now;
        }
        if self.asked < BURST {
            self.asked += 1;
            self.due = now + TIMEOUT;
            return true;
        }
        if let Some(best) = self.best.take() {
            self.update(&best);
        }
        self.asked = 0;
        self.due = (self.began + APART).max(now + 1);
        false
    }

    fn observe(&mut self, exchange: &Exchange) {
        if self.asked == 0 {
            return;
        }
        if self.best.is_none_or(|best| exchange.rtt() < best.rtt()) {
            self.best = Some(*exchange);
        }
        self.due = exchange.t4;
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        let (t0, x0) = self.first?;
        let dt = (at - t0) as f64 / 1e3 - self.last;
        let (oo, dd, _) = self.covariance;
        let drift = if self.drift.abs() > SIGNIFICANT * dd.sqrt() { self.drift } else { 0.0 };
        let offset = x0 + ((self.offset + drift * dt) * 1e3) as i64;
        let sigma = (oo.max(0.0).sqrt() * 1e3) as i64;
        Some(Reading { sigma: Some(sigma), ..Reading::within(offset, 3 * sigma) })
    }
}
