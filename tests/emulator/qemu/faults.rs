//! What is done to a guest, each measured before it is believed.

use std::time::Duration;

use serde_json::json;

use super::guest::{Guest, because};
use super::stage::until_true;
use crate::bed::{Proof, Trouble};
use crate::clock::{nanos, now_ns, reach};
use crate::starve::turns;

/// How long a fault may take to show.
const SHOWS: Duration = Duration::from_secs(20);
/// Whole seconds are what a guest's clock chip has, and its `date`.
const CHIP_NS: i64 = 1_100_000_000;

/// Unplugs the network or plugs it in, and waits until the guest sees it.
pub(super) fn link(guest: &mut Guest, up: bool) -> Result<Proof, Trouble> {
    guest.tell("set_link", &json!({ "name": "net", "up": up }))?;
    let carrier = u8::from(up);
    until_true(guest, SHOWS, &format!("[ $(cat /sys/class/net/nic/carrier) = {carrier} ]"))?;
    Ok(format!("carrier {carrier}"))
}

/// Gives a guest another address on the common network; yields it.
pub(super) fn renumber(guest: &mut Guest, old: &str) -> Result<String, Trouble> {
    let (net, last) = old.rsplit_once('.').ok_or("no address")?;
    let new = format!("{net}.{}", last.parse::<u8>().unwrap_or(0).wrapping_add(40));
    guest.run(&format!(
        "ip addr flush dev nic; ip addr add {new}/24 dev nic; ip route replace 224.0.0.0/4 dev nic"
    ))?;
    let shown = guest.run("ip addr show dev nic")?;
    let moved = shown.contains(&format!("{new}/")) && !shown.contains(&format!("{old}/"));
    if moved { Ok(new) } else { Err(shown) }
}

/// A guest's clocks: boot, wall, monotonic.
struct Clocks {
    boot: i64,
    wall: i64,
    monotonic: i64,
}

impl Clocks {
    fn read(guest: &mut Guest) -> Result<Self, Trouble> {
        let line = guest.run("bed read")?;
        let read: Vec<i64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        match read[..] {
            [_, _, boot, wall, monotonic] => Ok(Self { boot, wall, monotonic }),
            _ => Err(format!("expected five numbers, got {line:?}")),
        }
    }
}

/// Steps the guest's wall clock, and proves that only that clock moved.
pub(super) fn step_wall(guest: &mut Guest, seconds: i64) -> Result<Proof, Trouble> {
    let before = Clocks::read(guest)?;
    guest.run(&format!("date -s @$(( $(date +%s) + ({seconds}) )) >/dev/null"))?;
    let after = Clocks::read(guest)?;
    let moved = (after.wall - before.wall) - (after.boot - before.boot);
    if (moved - seconds * 1_000_000_000).abs() > CHIP_NS {
        return Err(format!("the wall clock moved by {moved} ns"));
    }
    Ok(format!("wall clock moved by {} ms and no other", moved / 1_000_000))
}

/// Suspends the guest to memory, wakes it after so long, and proves that its
/// monotonic clock stood still meanwhile.
pub(super) fn suspend(guest: &mut Guest, lasts: Duration) -> Result<Proof, Trouble> {
    let before = Clocks::read(guest)?;
    guest.ask("echo mem >/sys/power/state")?;
    guest.until_event("SUSPEND")?;
    let began = now_ns();
    reach(began + nanos(lasts));
    guest.tell("system_wakeup", &json!({}))?;
    let slept = now_ns() - began;
    let (code, text) = guest.answer()?;
    if code != 0 {
        return Err(format!("suspend: {}", String::from_utf8_lossy(&text)));
    }
    let after = Clocks::read(guest)?;
    let (boot, monotonic) = (after.boot - before.boot, after.monotonic - before.monotonic);
    let stood = boot - monotonic;
    if (stood - slept).abs() > 2 * CHIP_NS || monotonic > slept / 2 {
        return Err(format!("slept {slept} ns, and its clocks ran {boot} and {monotonic} ns"));
    }
    Ok(format!(
        "slept {} ms; monotonic clock stood {} ms of them",
        slept / 1_000_000,
        stood / 1_000_000
    ))
}

/// Lets the emulator run so much of each tenth of a second, and proves by sleeps of
/// the guest that end late that it was held up.
pub(super) fn starve(guest: &mut Guest, percent: u8, lasts: Duration) -> Result<Proof, Trouble> {
    // Each sleep of 10 ms takes about one turn.
    let sleeps = (lasts.as_millis() / 200).max(10);
    guest.ask(&format!("bed late 10 {sleeps}"))?;
    let turned = turns(guest.id(), percent, lasts)?;
    let (_, output) = guest.answer()?;
    let text = String::from_utf8_lossy(&output).trim().to_owned();
    let late: i64 = text.rsplit(' ').next().unwrap_or_default().parse().map_err(because("late"))?;
    let least = 1_000 * i64::from(100 - percent) / 2;
    if late < least {
        return Err(format!("not starved: sleeps of 10 ms ended {late} us late"));
    }
    Ok(format!("{turned}; sleeps of 10 ms ended {late} us late (p90)"))
}
