//! Everything that waits: sockets, storage, clocks, and one loop that serves them.
//!
//! The protocol is a value that is told things and asked for effects
//! ([`diptych_protocol::machine`]). This crate is the world around it, for any
//! machine: it holds no rule of an exam.
//!
//! ```text
//!  app ── Handle::ask ──►┌──────────┐── append, sync ──► disk
//!      ◄─ Events::next ──│   run    │── transmit, dial ─► link ◄── readers, which
//!                        │ (1 task) │◄─ arrivals ──────────┘      stamp what comes
//!                        └──────────┘◄─ now ───────────── clock
//! ```
//!
//! One task runs the machine; each connection has one task that reads and stamps;
//! nothing else waits, and nothing is shared but channels. It runs on Unix:
//! Linux, Android, and Apple systems.

pub mod addresses;
mod arrival;
pub mod clock;
pub mod diagnosis;
pub mod discovery;
pub mod disk;
pub mod embed;
pub mod error;
pub mod handle;
mod held;
pub mod keys;
pub mod link;
pub mod quic;
mod run;
pub mod socket;
mod throttle;
mod tls;

use std::sync::Arc;

use diptych_protocol::limits;
use diptych_protocol::machine::Machine;
use diptych_protocol::time;

pub use handle::{Events, Handle, Notice};

/// What surrounds a machine.
pub struct World<C: time::Clock, L> {
    /// Reads the device's clock.
    pub clock: Arc<dyn clock::Clock<C>>,
    /// Keeps what must survive.
    pub disk: Box<dyn disk::Disk>,
    /// Reaches the peers.
    pub link: L,
}

impl<C: time::Clock, L> std::fmt::Debug for World<C, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// Runs `machine` in `world`, in a task of the current tokio runtime, until
/// [`Handle::stop`] or until the last handle is dropped.
///
/// # Errors
/// [`error::NetworkError::Runtime`] outside a tokio runtime.
pub fn start<M, L>(
    machine: M,
    world: World<M::Clock, L>,
) -> Result<(Handle<M>, Events<M::Event>), error::NetworkError>
where
    M: Machine + Send + 'static,
    M::Command: Send,
    M::Event: Send,
    M::Rejected: Send,
    L: link::Link<M::Clock> + 'static,
{
    start_thinning(machine, world, |_, _| false)
}

/// As [`start`]; of events that supersede each other an app that does not read is
/// kept the newest.
fn start_thinning<M, L>(
    machine: M,
    world: World<M::Clock, L>,
    supersedes: handle::Supersedes<M::Event>,
) -> Result<(Handle<M>, Events<M::Event>), error::NetworkError>
where
    M: Machine + Send + 'static,
    M::Command: Send,
    M::Event: Send,
    M::Rejected: Send,
    L: link::Link<M::Clock> + 'static,
{
    let runtime = tokio::runtime::Handle::try_current();
    let runtime = runtime.map_err(|_| error::NetworkError::Runtime)?;
    let (handle, mut asked) = handle::handle(limits::COMMANDS);
    let (teller, events) = handle::events(limits::EVENTS, supersedes);
    runtime.spawn(async move {
        let how = run::run(machine, world, &mut asked, teller).await;
        asked.ended.send_replace(Some(how));
    });
    Ok((handle, events))
}
