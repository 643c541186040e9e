//! How long ago something was, by the clock that counts sleep.

use std::time::Duration;

use diptych_driver::clock::{BootClock, Clock as _};
use diptych_protocol::time::{Instant, Primary};

/// A moment that time has passed since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since(Instant<Primary>);

impl Since {
    pub(crate) fn now() -> Self {
        Self(BootClock::new().now())
    }

    /// The time since then.
    pub(crate) fn passed(&self) -> Duration {
        (Self::now().0 - self.0).to_duration()
    }

    /// The time since then, in nanoseconds.
    pub(crate) fn ns(&self) -> i64 {
        (Self::now().0 - self.0).nanos()
    }
}
