//! What an app and a primary tell each other.
//!
//! Both roles use the same types, each with its own clock. An app has one role, so
//! the clock is filled in here. Rejected: leaving it to the app (a binding knows no
//! type parameters).

use diptych_driver::embed;
use diptych_protocol::primary::Event;
use diptych_protocol::recording;
use diptych_protocol::session::HostFact;
use diptych_protocol::time;

/// An instant on the primary's clock: as it runs now, or in session time where that is
/// said. Both are one until the device reboots: [`Primary::now`](crate::Primary::now),
/// [`Primary::session_now`](crate::Primary::session_now).
///
/// ```
/// assert_eq!(diptych_primary::Instant::from_nanos(5).nanos(), 5);
/// ```
pub type Instant = time::Instant<time::Primary>;

/// The clock of this device: what an own [`Clock`](crate::Clock) is a clock of.
///
/// ```
/// # use diptych_primary::{Clock, SessionClock};
/// fn is_one(own: &dyn Clock<SessionClock>) {}
/// ```
pub type SessionClock = time::Primary;

/// Frames that are durable on this device.
///
/// ```
/// # use diptych_primary::{Fact, Fragment};
/// fn committed(fragment: Fragment, offset: u64) -> Fact {
///     Fact::Committed { fragment, offset }
/// }
/// ```
pub type Fragment = recording::Fragment<time::Primary>;

/// Something that happened on this device.
///
/// ```
/// # use diptych_primary::Fact;
/// let gone = Fact::ScreenBack;
/// ```
pub type Fact = HostFact<time::Primary>;

/// What the app is told.
///
/// ```
/// # use diptych_primary::Told;
/// fn is_over(told: &Told) -> bool {
///     matches!(told, Told::Ended)
/// }
/// ```
pub type Told = embed::Told<Event>;
