//! A device from its first start to the end of its session.
//!
//! One whose storage failed is started again when there is room, and says so. However
//! it ends, its camera stops before its session does, so that the last frames are still
//! told. Rejected: ending with an error, and leaving to whoever reads it that the same
//! command goes on.

use std::io::Write;
use std::time::Duration;

use diptych_driver::embed::{Embedded, Role as Machine};
use diptych_protocol::ledger::{Cause, Observed};

use super::fail::LiveFail;
use super::station::Station;

/// How often a waiting loop looks at everything else.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);
/// What a person reads when storage fails.
pub(super) const STORAGE_FAILED: &str =
    "storage failed: nothing more is kept. Free some space, and this device goes on by itself";
const ROOM_AGAIN: &str = "the storage can be written again: going on";

/// How long a device was run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lived {
    /// Until its session was over.
    ToTheEnd,
    /// Until its storage, which had failed, had room again.
    UntilRoom,
}

/// Lets a device live until its session is over, once more each time that its storage
/// has room again. `live` is told how the run before ended.
pub(super) fn to_the_end<W: Write>(
    out: &mut W,
    mut live: impl FnMut(Observed, &mut W) -> Result<Lived, LiveFail>,
) -> Result<(), LiveFail> {
    let mut last_exit = Observed::NOTHING;
    while live(last_exit, out)? == Lived::UntilRoom {
        say(out, ROOM_AGAIN);
        last_exit.cause = Cause::StorageFull;
    }
    Ok(())
}

/// Stops a device that has lived, its camera first.
pub(super) fn part<M: Machine>(
    station: &mut Station<M>,
    device: &Embedded<M>,
    lived: Result<Lived, LiveFail>,
) -> Result<Lived, LiveFail> {
    still(station, &lived);
    let stopped = device.stop();
    let lived = lived?;
    // What storage that is full leaves unsaid is no news.
    if lived == Lived::ToTheEnd {
        stopped?;
    }
    Ok(lived)
}

/// Stops the camera of a device that has lived, and has its journal say who wanted that.
pub(super) fn still<M: Machine, T>(station: &mut Station<M>, lived: &Result<T, LiveFail>) {
    match lived {
        Err(LiveFail::Interrupted { by, .. }) => station.stop_for(by.cause()),
        Ok(_) | Err(_) => station.stop(),
    }
}

/// A line for whoever watches; a closed pipe is no reason to stop recording.
pub(super) fn say(out: &mut dyn Write, line: &str) {
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
