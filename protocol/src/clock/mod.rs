//! One timeline for two clocks, with an error that is proven.
//!
//! Two recordings align only as well as the two devices' clocks are known to each
//! other. Every message that passes between them proves something about the
//! offset, and two modest assumptions about oscillators carry that proof from the
//! instant of the message to every other instant:
//!
//! - [`constraint`]: one message is one inequality, exactly.
//! - [`model`]: how fast two oscillators may drift, and how fast that may change.
//! - `hull`: of all inequalities, those that can still matter.
//! - [`interval`]: the range that certainly contains the offset at any instant.
//! - `point`: the most likely offset inside it.
//! - `rate`: how likely each rate is while many are possible.
//! - `bank`: several of those, judged in hindsight.
//! - `crowd`: the many ordinary messages, where none is lucky.
//! - `path`: when the path changed its length, and by how much.
//! - `epoch`: what to do when a message contradicts the proof.
//! - [`estimate`]: all of it online, as an [`Estimator`].
//! - `certain`: the same range after the session, where a device slept.
//! - [`smooth`]: all of it after the session, as a [`Map`] of both clocks.
//! - [`media`]: from the timestamps in a video to the device's clock, and what
//!   the camera adds to the error.
//! - [`agreement`]: whether both devices have agreed on the same.
//! - [`stamps`]: how constraints come from messages, and to both devices alike.
//! - [`shorthand`]: the same in half the bytes.
//! - [`schedule`]: when to send one.
//!
//! Everything is integers: nanoseconds for what is said, powers of two below
//! them for what is compared. `spec/clock.md` has the proofs and the reasons.
//!
//! Rejected: every published estimator of one offset with one standard deviation.
//! A deviation is not a bound: under a busy uplink, a suspend or an asymmetric path
//! theirs exclude the truth.

pub mod agreement;
mod bank;
mod bulk;
mod candidates;
mod certain;
pub mod constraint;
mod crowd;
mod epoch;
pub mod estimate;
mod grid;
mod hull;
pub mod interval;
pub mod map;
pub mod media;
pub mod model;
mod path;
mod point;
mod rate;
mod room;
pub mod schedule;
pub mod shorthand;
pub mod smooth;
pub mod stamps;

pub use agreement::Agreement;
pub use constraint::{Constraint, Epoch, Epochs, Observation};
pub use estimate::{Estimate, Estimator, Mapped, Observed};
pub use interval::Interval;
pub use map::{Across, Map};
pub use schedule::Schedule;
pub use shorthand::Short;
pub use stamps::{Stamp, Stamps};

#[cfg(test)]
mod tests;
