//! What is done to a guest, each measured before it is believed.

use std::time::Duration;

use serde_json::json;

use super::guest::{Guest, because};
use super::machine::until_true;
use crate::bed::{Proof, Trouble};
use crate::clock::{nanos, now_ns, reach};
use crate::starve::turns;

/// How long a fault may take to show.
const SHOWS: Duration = Duration::from_secs(20);
/// Exchanges before and while a network is disturbed.
const ASKED: usize = 60;
/// How much longer a round trip takes at least, where several milliseconds were
/// asked for.
const DISTURBED_NS: i64 = 3_000_000;
/// How often that many more are exchanged until one packet is lost: one run in eighty
/// loses none of those that the programs send, and then nothing is proven.
const MORE: usize = 10;
/// What fills a guest's disk.
const BALLAST: &str = "/disk/ballast";
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

/// Stops the whole emulator and lets it go on, and proves that every clock of the
/// guest stood still meanwhile.
pub(super) fn pause(guest: &mut Guest, lasts: Duration) -> Result<Proof, Trouble> {
    let (before, from) = (Clocks::read(guest)?, now_ns());
    guest.tell("stop", &json!({}))?;
    reach(from + nanos(lasts));
    guest.tell("cont", &json!({}))?;
    let (after, to) = (Clocks::read(guest)?, now_ns());
    let stood = |ran: i64| (to - from) - ran;
    let (boot, monotonic) =
        (stood(after.boot - before.boot), stood(after.monotonic - before.monotonic));
    let least = nanos(lasts) * 9 / 10;
    if boot < least || monotonic < least {
        return Err(format!("its clocks stood {boot} and {monotonic} ns of {lasts:?}"));
    }
    Ok(format!("paused; every clock of it stood {} ms", boot / 1_000_000))
}

/// Freezes the guest's programs while its clocks run on, wakes it by its power
/// button, and proves that its shell stood still.
pub(super) fn idle(guest: &mut Guest, lasts: Duration) -> Result<Proof, Trouble> {
    let (before, from) = (Clocks::read(guest)?, now_ns());
    guest.ask("echo freeze >/sys/power/state")?;
    reach(from + nanos(lasts));
    guest.tell("system_powerdown", &json!({}))?;
    let (code, text) = guest.answer()?;
    let stood = now_ns() - from;
    let ran = Clocks::read(guest)?.monotonic - before.monotonic;
    if code != 0 || stood < nanos(lasts) || ran < nanos(lasts) {
        let text = String::from_utf8_lossy(&text).into_owned();
        return Err(format!("idle: {code} {text}; shell stood {stood} ns, clock ran {ran} ns"));
    }
    Ok(format!("idle; programs stood {} ms and its clock ran on", stood / 1_000_000))
}

/// Lets the guest's own kernel disturb what it sends, and proves it by exchanges
/// before and meanwhile and by the kernel's own count.
pub(super) fn disturb(
    guest: &mut Guest,
    netem: &str,
    lasts: Duration,
    ask: &str,
) -> Result<Proof, Trouble> {
    let median = |guest: &mut Guest| -> Result<(usize, i64), Trouble> {
        let told = crate::baseline::of(ASKED, &guest.run(&format!("{ask} {ASKED}"))?, |_| None);
        let middle = told.rtt_ns.get(told.rtt_ns.len() / 2).copied();
        Ok((told.answered, middle.ok_or("no exchange was answered")?))
    };
    let (_, before) = median(guest)?;
    let began = now_ns();
    guest.run(&format!("iptc qdisc replace dev nic root netem {netem}"))?;
    let (answered, meanwhile) = median(guest)?;
    reach(began + nanos(lasts));
    let count = |guest: &mut Guest| guest.run("iptc -s qdisc show dev nic | grep Sent");
    let spared = |counted: &str| counted.contains("dropped 0,");
    let mut counted = count(guest)?;
    for _ in 0..MORE {
        if !spared(&counted) {
            break;
        }
        median(guest)?;
        counted = count(guest)?;
    }
    guest.run("iptc qdisc del dev nic root")?;
    let added = meanwhile - before;
    if added < DISTURBED_NS || spared(&counted) {
        return Err(format!("not disturbed: {added} ns more, {counted}"));
    }
    Ok(format!(
        "netem {netem}: round trip {} -> {} us, {answered} of {ASKED} answered, {counted}",
        before / 1_000,
        meanwhile / 1_000
    ))
}

/// Leaves no room on the guest's disk, and proves it.
pub(super) fn fill(guest: &mut Guest) -> Result<Proof, Trouble> {
    // Nearly all of it at once: to write it would take longer than what is tested. Then
    // until it is refused.
    guest.run(&format!(
        "fallocate -l $((($(stat -f -c %f /disk) - 64) * $(stat -f -c %S /disk))) {BALLAST}; \
         dd if=/dev/zero bs=4k >>{BALLAST} 2>/dev/null; sync; true"
    ))?;
    let (code, _) = guest.attempt(&format!("dd if=/dev/zero bs=4k count=1 >>{BALLAST}"))?;
    let left = guest.run("stat -f -c %a /disk")?;
    let full = format!("has {left} blocks left");
    if code != 0 && left == "0" { Ok(full) } else { Err(full) }
}

/// Gives the room back, and proves it.
pub(super) fn empty(guest: &mut Guest) -> Result<Proof, Trouble> {
    guest.run(&format!("rm {BALLAST}; sync"))?;
    let left = guest.run("stat -f -c %a /disk")?;
    let room = format!("has {left} blocks left");
    if left == "0" { Err(room) } else { Ok(room) }
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
