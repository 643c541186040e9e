//! The network as a test or a rehearsal wants it: what is lost, late, doubled.
//!
//! Drawn from a seed, and changed while the socket runs. Rejected: breaking the
//! network outside the process, which needs rights that few test machines give.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diptych_protocol::time::Span;
use tokio::time::Instant;

/// The network as it is now. Shares are in parts per million of all datagrams.
///
/// ```
/// # use diptych_driver::socket::Weather;
/// let a_tenth_lost = Weather { loss_ppm: 100_000, ..Weather::default() };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Weather {
    /// How many are lost.
    pub loss_ppm: u32,
    /// How many arrive twice.
    pub duplicate_ppm: u32,
    /// How many are held back by another `delay + jitter`, past their successors.
    pub reorder_ppm: u32,
    /// How long each takes to leave.
    pub delay: Span,
    /// How much longer, at most, drawn evenly. Jitter alone does not reorder.
    pub jitter: Span,
    /// Whether nothing passes, in neither direction.
    pub down: bool,
    /// What the system answers to each send instead of sending: an `errno`.
    pub error: Option<i32>,
}

/// Changes the network of a socket while it runs. Cheap to clone.
///
/// ```
/// # use diptych_driver::socket::{Faults, Weather};
/// let network = Faults::new(7);
/// network.set(Weather { down: true, ..Weather::default() });
/// ```
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    weather: Weather,
    random: u64,
    /// No datagram leaves before its predecessor, unless it is to be reordered.
    last_due: Option<Instant>,
}

/// What becomes of one datagram.
pub(super) enum Fate {
    Lost,
    Refused(i32),
    Sent { copies: Vec<Option<Instant>> },
}

impl Faults {
    /// A network without faults, whose later faults are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            weather: Weather::default(),
            random: seed,
            last_due: None,
        })))
    }

    /// Replaces the weather.
    pub fn set(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    /// The weather now.
    #[must_use]
    pub fn weather(&self) -> Weather {
        self.lock().weather
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fate(&self) -> Fate {
        let mut state = self.lock();
        let weather = state.weather;
        if let Some(error) = weather.error {
            return Fate::Refused(error);
        }
        if weather.down || state.happens(weather.loss_ppm) {
            return Fate::Lost;
        }
        let first = state.due(weather);
        let mut copies = vec![first];
        if state.happens(weather.duplicate_ppm) {
            copies.push(state.due(weather));
        }
        Fate::Sent { copies }
    }
}

impl State {
    /// SplitMix64: small, and good enough to break a network with.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn happens(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.draw() % 1_000_000 < u64::from(ppm)
    }

    /// When a datagram leaves; `None` is at once.
    fn due(&mut self, weather: Weather) -> Option<Instant> {
        let reordered = self.happens(weather.reorder_ppm);
        if weather.delay <= Span::ZERO && weather.jitter <= Span::ZERO {
            return None;
        }
        let most = u64::try_from(weather.jitter.nanos()).unwrap_or(0).saturating_add(1);
        let jitter = Duration::from_nanos(self.draw() % most);
        let now = Instant::now();
        let due = now + weather.delay.to_duration() + jitter;
        if reordered {
            return Some(due + weather.delay.to_duration() + weather.jitter.to_duration());
        }
        let due = self.last_due.map_or(due, |last| last.max(due));
        self.last_due = Some(due);
        Some(due)
    }
}
