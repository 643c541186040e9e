//! A process that gets a share of a processor: it is stopped for the rest of every
//! tenth of a second. Needs no right that its owner lacks, and no cgroup.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::bed::{Proof, Trouble};
use crate::clock::{nanos, now_ns, reach};

/// One turn.
const TURN: Duration = Duration::from_millis(100);

/// Starves a process for so long, and proves that it was stopped in every turn.
pub(crate) fn turns(id: u32, percent: u8, lasts: Duration) -> Result<Proof, Trouble> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    let send = |signal| kill_process(pid, signal).map_err(|error| error.to_string());
    let (mut turns, mut stopped) = (0, 0);
    let end = now_ns() + nanos(lasts);
    while now_ns() < end {
        let began = now_ns();
        send(Signal::STOP)?;
        reach(began + nanos(TURN) * i64::from(100 - percent) / 100);
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
        stopped += u32::from(stat.is_ok_and(|stat| stat.contains(") T ")));
        turns += 1;
        send(Signal::CONT)?;
        reach(began + nanos(TURN));
    }
    if turns == 0 || stopped != turns {
        return Err(format!("stopped in {stopped} of {turns} turns"));
    }
    Ok(format!("stood {} ms of each 100, {turns} times", 100 - percent))
}
