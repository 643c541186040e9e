//! A runtime that can be let go of anywhere.
//!
//! A start that fails lets go of its runtime on the caller's thread, and that may be
//! a thread of another runtime, where dropping one panics. So it ends on a thread of
//! its own, whatever the way it is let go of. Rejected: leaving it to the system (the
//! socket would stay open, and its port taken, after the caller was told of the end).

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::Failure;

/// How long the end of what still runs is waited for: its tasks end where they next
/// wait, which is at once unless an app's own code holds one up.
const END_TIME: Duration = Duration::from_secs(1);

/// A runtime that ends, with its sockets, wherever it is let go of.
pub(super) struct Ending(Option<Runtime>);

impl Ending {
    pub(super) fn begin() -> Result<Self, Failure> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("diptych").enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|_| Failure::NoThread)
    }

    pub(super) fn get(&self) -> Result<&Runtime, Failure> {
        self.0.as_ref().ok_or(Failure::Stopped)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            end(runtime);
        }
    }
}

/// Ends what still runs and waits until it has, so that the socket is closed and its
/// port free. On a thread of its own: a runtime that ends inside another one panics.
fn end(runtime: Runtime) {
    let (hand, taken) = sync_channel::<Runtime>(1);
    let ender = std::thread::Builder::new().name("diptych-end".to_owned()).spawn(move || {
        if let Ok(runtime) = taken.recv() {
            runtime.shutdown_timeout(END_TIME);
        }
    });
    match ender {
        Ok(ender) => {
            _ = hand.send(runtime);
            _ = ender.join();
        }
        Err(_) => runtime.shutdown_background(),
    }
}
