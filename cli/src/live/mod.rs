//! Devices that are live: cameras running, a link up, a session going on.
//!
//! The library leaves pictures, processes and people to its host; at a desk this
//! module is that host. It makes no decision of the protocol: it hands facts in
//! and carries events out, like the apps will.
//!
//! - [`station`]: one device with its camera.
//! - [`primary`]: leads a session, for assistants on other machines.
//! - [`secondary`]: an assistant, as a process.
//! - [`rehearse`]: a whole mock exam on one machine.
//! - [`director`]: a script of faults, acted on real processes.

mod account;
mod board;
mod children;
pub mod director;
mod exam;
pub mod fail;
pub mod faults;
mod invitation;
mod life;
mod lookout;
mod network;
mod news;
mod online;
mod order;
pub mod outcome;
mod pace;
pub mod primary;
mod prompt;
pub mod rehearse;
mod room;
pub mod screen;
pub mod script;
pub mod secondary;
pub(crate) mod since;
mod standing;
pub mod station;
mod stop;
